"""Reads a shape file (Benchmarks/models/*.txt) and gives its layers random weights.

One layer a line, in the order of execution; `#` starts a comment.

    input 32x32x3                     the first line: HxWxC, ROWSxC, or C
    conv 3x3/2 32 relu                window and stride, channels out, activation (none, relu, relu6)
    depthwise 3x3 x2 relu6            window, stride, multiplier (default x1)
    fc 10                             channels out; works on the last dimension
    add NAME relu                     adds the output of the layer called NAME
    maxpool 2x2/2, avgpool 8x8/8      window and stride
    mean                              over height and width
    softmax                           over the last dimension

A layer takes the output of the line before it, or of the layer after `from`; `as NAME` names its own. Windows are padded
so that the output has ceil(size / stride) rows and columns, the odd row and column at the end ("same"); after `valid`
they are not padded. The weights are drawn from the seed; their deviation is sqrt(gain / fan in), with gain 2 before an
activation, so that values keep their size through the depth.
"""

import math
import os
from dataclasses import dataclass, field

import numpy

WINDOWED = ("conv", "depthwise", "maxpool", "avgpool")
WEIGHTED = ("conv", "depthwise", "fc")
ACTIVATIONS = ("relu", "relu6")


@dataclass
class Layer:
    kind: str
    inputs: list  # indices of the layers that it reads; -1 is the input of the model
    shape: tuple  # of the output, without the batch
    input_shape: tuple
    window: tuple = (1, 1)
    stride: int = 1
    padding: tuple = (0, 0, 0, 0)  # top, left, bottom, right
    activation: str = "none"
    weights: numpy.ndarray = field(default=None, repr=False)  # conv OHWI, depthwise HWC, fc OI
    bias: numpy.ndarray = field(default=None, repr=False)

    @property
    def macs(self):
        if self.kind == "conv" or self.kind == "fc":
            return math.prod(self.shape) * self.weights[0].size
        return math.prod(self.shape) * math.prod(self.window) if self.kind == "depthwise" else 0

    @property
    def is_padded(self):
        return any(self.padding)


@dataclass
class Model:
    name: str
    input_shape: tuple
    layers: list

    @property
    def macs(self):
        return sum(layer.macs for layer in self.layers)

    @property
    def weight_bytes(self):
        """Of the int8 weights and int32 biases."""
        return sum(layer.weights.size + 4 * layer.bias.size for layer in self.layers if layer.weights is not None)


class ShapeError(Exception):
    pass


def read(path, seed=1):
    """The model of one file; raises ShapeError with file and line."""
    layers, names, input_shape = [], {}, None
    random = numpy.random.default_rng(seed)
    with open(path) as file:
        for number, line in enumerate(file, 1):
            words = line.split("#")[0].split()
            if not words:
                continue
            try:
                name = option(words, "as")
                if input_shape is None:
                    if words[0] != "input" or len(words) != 2:
                        raise ShapeError("the first line must be 'input' and its shape")
                    input_shape = sizes(words[1])
                else:
                    layers.append(parse(words, layers, names, input_shape, random))
                if name:
                    names[name] = len(layers) - 1
            except (ShapeError, ValueError, IndexError) as error:
                raise ShapeError(f"{path}:{number}: {error}") from None
    if not layers:
        raise ShapeError(f"{path}: it has no layer")
    return Model(os.path.splitext(os.path.basename(path))[0], input_shape, layers)


def sizes(word):
    values = tuple(int(size) for size in word.split("x"))
    if any(size < 1 for size in values):
        raise ShapeError(f"'{word}' must be sizes of at least 1")
    return values


def option(words, keyword):
    """Takes `keyword NAME` out of the words."""
    if keyword not in words:
        return None
    position = words.index(keyword)
    name = words[position + 1]
    del words[position : position + 2]
    return name


def index(name, names):
    if name not in names:
        raise ShapeError(f"no layer above is called '{name}'")
    return names[name]


def parse(words, layers, names, input_shape, random):
    kind, *words = words
    source = option(words, "from")
    inputs = [index(source, names) if source else len(layers) - 1]
    shape_of = lambda i: layers[i].shape if i >= 0 else input_shape
    before = shape_of(inputs[0])
    valid = "valid" in words and not words.remove("valid")
    activation = words.pop() if words and words[-1] in ACTIVATIONS else "none"
    layer = Layer(kind, inputs, before, before, activation=activation)
    if kind in WINDOWED:
        if len(before) != 3:
            raise ShapeError(f"{kind} needs height, width and channels, and gets {before}")
        window, _, stride = words.pop(0).partition("/")
        layer.window, layer.stride = sizes(window), int(stride or 1)
        rows = [extent(before[axis], layer.window[axis], layer.stride, valid) for axis in (0, 1)]
        layer.padding = (rows[0][1], rows[1][1], rows[0][2], rows[1][2])
        layer.shape = (rows[0][0], rows[1][0], before[2])
    if kind == "conv":
        layer.shape = (*layer.shape[:2], int(words.pop(0)))
        draw(layer, (layer.shape[2], *layer.window, before[2]), random)
    elif kind == "depthwise":
        multiplier = int(words.pop(0)[1:]) if words else 1
        layer.shape = (*layer.shape[:2], before[2] * multiplier)
        draw(layer, (*layer.window, layer.shape[2]), random)
    elif kind == "fc":
        layer.shape = (*before[:-1], int(words.pop(0)))
        draw(layer, (layer.shape[-1], before[-1]), random)
    elif kind == "add":
        inputs.append(index(words.pop(0), names))
        if shape_of(inputs[1]) != before:
            raise ShapeError(f"add of {before} and {shape_of(inputs[1])}")
    elif kind == "mean":
        layer.shape = before[2:]
    elif kind not in ("softmax", "maxpool", "avgpool"):
        raise ShapeError(f"'{kind}' is no layer")
    if words:
        raise ShapeError(f"'{' '.join(words)}' has no meaning after {kind}")
    return layer


def extent(size, window, stride, valid):
    """Rows out, and rows of padding before and after."""
    if valid:
        return (size - window) // stride + 1, 0, 0
    out = -(-size // stride)
    padding = max((out - 1) * stride + window - size, 0)
    return out, padding // 2, padding - padding // 2


def draw(layer, shape, random):
    fan_in = math.prod(shape[:2]) if layer.kind == "depthwise" else math.prod(shape[1:])
    gain = 1 if layer.activation == "none" else 2
    layer.weights = random.normal(0, math.sqrt(gain / fan_in), shape).astype(numpy.float32)
    layer.bias = random.normal(0, 0.1, layer.shape[-1]).astype(numpy.float32)


def calibration(model, count=4, seed=2):
    """Random inputs, `[1, ...]` each."""
    random = numpy.random.default_rng(seed)
    batch = () if len(model.input_shape) == 2 else (1,)
    return [random.normal(0, 1, (*batch, *model.input_shape)).astype(numpy.float32) for _ in range(count)]
