"""Shapes folded from literals, compared with what Keras computes for the same layers (written down from `model.summary()`)."""

from __future__ import annotations

import pytest

from kerasmem_lint.facts import Facts

HEAD = "import keras\nfrom keras import layers\n"


def last_dense(program: str) -> tuple[Facts, object]:
    facts = Facts(HEAD + program)
    found = [call for call in facts.syntax.calls if facts.calls.named(call, "keras.layers.Dense")]
    return facts, found[-1]


def input_shape(program: str) -> tuple[int | None, ...] | None:
    facts, layer = last_dense(program)
    return facts.kernels.input_shape(layer)


@pytest.mark.parametrize(
    ("layer", "before", "after"),
    [
        ("layers.Conv2D(8, 3)", "(28, 28, 1)", (26, 26, 8)),
        ("layers.Conv2D(8, (5, 3), strides=2, padding='same')", "(28, 27, 1)", (14, 14, 8)),
        ("layers.Conv2D(8, 3, 2, 'same')", "(28, 28, 1)", (14, 14, 8)),
        ("layers.Conv2DTranspose(4, 4, strides=2, padding='same')", "(7, 7, 16)", (14, 14, 4)),
        ("layers.Conv2DTranspose(4, 3, strides=2)", "(7, 7, 16)", (15, 15, 4)),
        ("layers.DepthwiseConv2D(3, depth_multiplier=2)", "(8, 8, 3)", (6, 6, 6)),
        ("layers.SeparableConv2D(5, 3, padding='same')", "(8, 8, 3)", (8, 8, 5)),
        ("layers.MaxPooling2D()", "(27, 28, 4)", (13, 14, 4)),
        ("layers.MaxPool2D(3, strides=2, padding='same')", "(27, 28, 4)", (14, 14, 4)),
        ("layers.AveragePooling1D(4)", "(10, 4)", (2, 4)),
        ("layers.ZeroPadding2D(3)", "(10, 10, 4)", (16, 16, 4)),
        ("layers.UpSampling2D()", "(10, 11, 4)", (20, 22, 4)),
        ("layers.UpSampling2D(size=(2, 3))", "(10, 11, 4)", (20, 33, 4)),
        ("layers.GlobalAveragePooling2D()", "(10, 11, 4)", (4,)),
        ("layers.Flatten()", "(10, 11, 4)", (440,)),
        ("layers.Reshape((5, -1))", "(10, 4)", (5, 8)),
        ("layers.Permute((2, 1))", "(10, 4)", (4, 10)),
        ("layers.RepeatVector(3)", "(10,)", (3, 10)),
        ("layers.LSTM(32)", "(10, 4)", (32,)),
        ("layers.GRU(32, return_sequences=True)", "(10, 4)", (10, 32)),
        ("layers.Embedding(100, 16)", "(12,)", (12, 16)),
        ("layers.BatchNormalization()", "(10, 4)", (10, 4)),
        ("layers.Conv3D(2, 2)", "(4, 5, 6, 1)", (3, 4, 5, 2)),
    ],
)
def test_a_layer_gives_the_shape_that_keras_gives(layer: str, before: str, after: tuple[int, ...]) -> None:
    assert after == input_shape(f"keras.Sequential([keras.Input({before}), {layer}, layers.Dense(1)])\n")


@pytest.mark.parametrize(
    "layer",
    [
        "layers.Conv2D(8, 3, dilation_rate=2)",
        "layers.Conv2D(8, 3, data_format='channels_first')",
        "layers.Conv2D(n, 3)",
        "layers.MaxPooling2D(k)",
        "layers.Lambda(f)",
        "layers.LSTM(8)",
        "layers.Reshape((-1, n))",
        "Own()",
    ],
)
def test_what_is_not_folded_makes_the_kernel_unknown(layer: str) -> None:
    facts, dense = last_dense(f"keras.Sequential([keras.Input((28, 28, 1)), {layer}, layers.Flatten(), layers.Dense(1)])\n")
    assert facts.kernels.weights(dense) is None


def test_a_first_layer_may_say_its_input_itself() -> None:
    assert (784,) == input_shape("keras.Sequential([layers.Dense(1, input_shape=(784,))])\n")
    assert (784,) == input_shape("keras.Sequential([layers.Dense(1, input_dim=784)])\n")
    assert (8, 4) == input_shape("keras.Sequential([layers.Dense(1, batch_input_shape=(32, 8, 4))])\n")


def test_an_input_shape_given_to_a_later_layer_is_ignored_as_keras_does() -> None:
    later = "layers.Conv2D(4, 3, strides=2, padding='same', input_shape=(64, 64, 3))"
    program = f"keras.Sequential([keras.Input((32, 32, 3)), {later}, layers.Flatten(), layers.Dense(1, input_shape=(9,))])\n"
    assert (16 * 16 * 4,) == input_shape(program)


def test_rows_and_columns_of_keras_1_are_not_taken_for_strides() -> None:
    assert input_shape("keras.Sequential([keras.Input((8, 8, 3)), layers.Convolution2D(4, 3, 3), layers.Dense(1)])\n") is None


def test_a_functional_chain_is_followed_through_names_and_concatenations() -> None:
    program = """
size = 32
a = keras.Input(shape=(size, size, 3))
conv = layers.Conv2D(8, 3, padding="same")
b = conv(a)
c = layers.Concatenate()([a, b])
d = layers.Flatten()(c)
layers.Dense(1)(d)
"""
    assert (32 * 32 * 11,) == input_shape(program)


def test_layers_added_in_one_block_are_followed_and_those_in_a_branch_are_not() -> None:
    straight = "m = keras.Sequential()\nm.add(keras.Input((8, 8, 2)))\nm.add(layers.Flatten())\nm.add(layers.Dense(1))\n"
    branch = straight.replace("m.add(layers.Flatten())", "if deep:\n    m.add(layers.Flatten())")
    loop = straight.replace("m.add(layers.Flatten())", "for i in x:\n    m.add(layers.Flatten())")
    assert [(128,), None, None] == [input_shape(straight), input_shape(branch), input_shape(loop)]


def test_a_name_with_two_possible_tensors_has_no_shape() -> None:
    assert input_shape("x = keras.Input((8,))\nif a:\n    x = keras.Input((9,))\nlayers.Dense(1)(x)\n") is None


def test_channels_first_for_the_whole_file_folds_nothing() -> None:
    assert (
        input_shape(
            "keras.backend.set_image_data_format('channels_first')\nkeras.Sequential([keras.Input((8,)), layers.Dense(1)])\n"
        )
        is None
    )


@pytest.mark.parametrize(("side", "expected"), [(224, (7, 7, 512)), (150, None)])
def test_a_network_of_keras_without_its_top_has_a_known_shape_for_multiples_of_32(side: int, expected: object) -> None:
    program = (
        f"base = keras.applications.VGG16(include_top=False, input_shape=({side}, {side}, 3))\nlayers.Dense(1)(base.output)\n"
    )
    assert expected == input_shape(program)


def test_the_weights_of_a_kernel_are_counted() -> None:
    def weights(layer: str) -> int | None:
        facts = Facts(HEAD + f"keras.Sequential([keras.Input((10, 4)), {layer}])\n")
        call = next(call for call in facts.syntax.calls if facts.code(call) == layer)
        return facts.kernels.weights(call)

    assert [16, 4 * 8 * 12, 3 * 8 * 12, 8 * 12, 3 * 4 * 6, None] == [
        weights("layers.Dense(4)"),
        weights("layers.LSTM(8)"),
        weights("layers.GRU(8)"),
        weights("layers.SimpleRNN(8)"),
        weights("layers.Conv1D(6, 3)"),
        weights("layers.Conv1D(6, 3, groups=2)"),
    ]


def test_a_chain_that_comes_round_to_itself_ends() -> None:
    assert input_shape("x = keras.Input((8,))\nwhile a:\n    x = layers.Dense(4)(x)\nlayers.Dense(1)(x)\n") is None


def test_a_very_long_chain_ends() -> None:
    chain = "".join("x = layers.Dense(4)(x)\n" for _ in range(400))
    assert input_shape(f"x = keras.Input((8,))\n{chain}layers.Dense(1)(x)\n") in ((4,), None)
