"""What a file shows of the generation of Keras that runs it."""

from __future__ import annotations

import pytest

from kerasmem_lint.facts import Facts
from kerasmem_lint.source.magics import mask_cell


def generation(text: str) -> tuple[int, str]:
    masked = mask_cell(text)
    return Facts(masked.text, original=text).platform.generation


@pytest.mark.parametrize(
    "text",
    [
        "from keras.layers.merge import concatenate",
        "from tensorflow.keras.layers.experimental import preprocessing",
        "try:\n    from keras.engine import Layer\nexcept ImportError:\n    from keras.engine.topology import Layer",
        "from keras.layers.merge import *",
        "from tensorflow import keras\nrate = self.disc_model2.optimizer.lr.numpy()",
        "import tensorflow as tf\naugment = tf.keras.layers.experimental.preprocessing.RandomFlip()",
        "from keras.preprocessing.image import ImageDataGenerator",
        "from keras import backend as K\nloss = K.mean(K.square(error))",
        "from tensorflow.keras import backend as K\nK.set_session(session)",
        "import tensorflow as tf\nimport tensorflow_addons as tfa",
        "from tensorflow import keras\nrate = keras.backend.get_value(model.optimizer.lr)",
        "from tensorflow import keras\nrate = self.model.optimizer.lr.numpy()",
        "from keras.callbacks import ModelCheckpoint\nsafe = ModelCheckpoint('w.h5', period=5)",
        "from keras.layers import LSTM\nlayer = LSTM(8, batch_input_shape=(1, 5, 3))",
        "!pip install tensorflow==2.4.1\nimport tensorflow as tf",
        "!pip install -q 'tensorflow<2.16' tensorflow-hub\nimport tensorflow as tf",
        "%pip install numpy keras==2.3.1\nimport keras",
        "!pip install tensorflow~=2.4.1\nimport tensorflow as tf",
        "!pip install 'tensorflow==2.4.*'\nimport tensorflow as tf",
        "!pip install 'tensorflow>=2.4, != 2.5.0 ,<2.11'\nimport tensorflow as tf",
        "!conda install -y tensorflow=2.4 python=3.8\nimport tensorflow as tf",
        "!conda install keras=2\nimport keras",
    ],
)
def test_code_that_cannot_run_on_keras_3_is_for_keras_2(text: str) -> None:
    assert (2, "code") == generation(text)


@pytest.mark.parametrize(
    "text",
    [
        "from keras.layers import concatenate, LocallyConnected",
        "from tensorflow.keras.preprocessing.image import ImageDataGenerator",
        "from tensorflow.keras import backend as K\nloss = K.mean(K.square(error))",
        "from keras import backend as K\nK.clear_session()",
        "from tensorflow import keras\nrate = model.optimizer.learning_rate",
        "import keras\nfor group in torch_optimizer.param_groups:\n    group['lr'] = settings.lr",
        "import keras\nopt = parser.parse_args()\nkeras.optimizers.Adam(opt.lr)",
        "import keras\nkeras.optimizers.Adam(cfg.optimizer.lr)",
        "import keras\nkeras.optimizers.Adam(cfg.model.optimizer.lr)",
        "try:\n    from keras.utils import to_categorical\nexcept ImportError:\n    from keras.utils.np_utils import to_categorical",
        "import keras\nif keras.__version__ < '3':\n    from keras.layers.merge import add\nelse:\n    from keras.layers import add",
        "import tensorflow as tf\ndata = tf.data.experimental.AUTOTUNE",
        "from tensorflow import keras\nkeras.layers.Dense(3, input_shape=(4,))",
        "!pip install tensorflow==2.17 tensorflow-datasets==4.9\nimport tensorflow as tf",
        "!pip install 'tensorflow>=2.4'\nimport tensorflow as tf",
        "!pip install 'tensorflow>=2.4,<3'\nimport tensorflow as tf",
        "# !pip install tensorflow==2.4.1\nimport tensorflow as tf",
        "!pip install keras-tuner==1.0.2\nimport keras",
        "!pip install 'tensorflow==2.*'\nimport tensorflow as tf",
        "!pip install tensorflow~=2.4\nimport tensorflow as tf",
        "!conda install tensorflow=2\nimport tensorflow as tf",
        "!pip install -r requirements.txt\nkeras = 2\nimport tensorflow as tf",
    ],
)
def test_code_that_both_run_says_nothing(text: str) -> None:
    assert (3, "default") == generation(text)


@pytest.mark.parametrize(
    "line",
    ["!pip install tensorflow==" + "1" * 5000, "!pip install " + "pip install " * 20_000],
    ids=["a version of thousands of digits", "a line of many installs"],
)
def test_lines_that_nobody_writes_are_read_in_no_time(line: str) -> None:
    assert (3, "default") == generation(f"{line}\nimport tensorflow as tf")
