"""Programs that several engines are asked about."""

NESTED = """
import keras, numpy
from keras import layers
inner = keras.Input((9, 64))
block = keras.Model(inner, layers.Dense(64, name='within')(inner), name='block')
inputs = keras.Input((9, 64))
each = layers.TimeDistributed(layers.Dense(64, name='one'), name='each')(inputs)
model = keras.Model(inputs, layers.Dense(1, name='last')(block(each)))
model.compile('sgd', 'mse', jit_compile=False)
model.fit(numpy.zeros((100, 9, 64)), numpy.zeros((100, 9, 1)))
"""
LINES_OF_NESTED = {"each/one": 7, "within": 5, "last": 8}
"""The layers that have weights, and the line that builds each."""
