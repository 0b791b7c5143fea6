"""Writes a model of `shapes` as TFLite: float32, and int8 as the TFLite converter quantizes (per-channel weights).

The file is a FlatBuffer; its classes come with the ai-edge-litert package.
"""

import flatbuffers
import numpy
from ai_edge_litert import schema_py_generated as schema

Op = schema.BuiltinOperator
SAME, VALID = 0, 1
ACTIVATION = {"none": 0, "relu": 1, "relu6": 3}
INT8_MIN, INT8_MAX = -128, 127
# The operators' versions for float32 and for int8.
VERSIONS = {
    Op.CONV_2D: (1, 3), Op.DEPTHWISE_CONV_2D: (1, 3), Op.FULLY_CONNECTED: (1, 4), Op.ADD: (1, 2), Op.MEAN: (1, 2),
    Op.MAX_POOL_2D: (1, 2), Op.AVERAGE_POOL_2D: (1, 2), Op.SOFTMAX: (1, 2),
}


class Writer:
    def __init__(self, model, ranges=None):
        """`ranges` of each layer's output make it int8; without them it is float32."""
        self.model, self.ranges = model, ranges
        self.buffers, self.tensors, self.operators, self.codes = [schema.BufferT()], [], [], []
        self.outputs = {-1: self.activation("input", -1, model.input_shape)}

    def tensor(self, name, array=None, shape=None, kind=schema.TensorType.FLOAT32, scale=None, zero=0, axis=0):
        tensor = schema.TensorT()
        tensor.name, tensor.type, tensor.shape = name, kind, list(array.shape if shape is None else shape)
        if array is not None:
            buffer = schema.BufferT()
            buffer.data = numpy.frombuffer(numpy.ascontiguousarray(array).tobytes(), numpy.uint8)
            tensor.buffer = len(self.buffers)
            self.buffers.append(buffer)
        if scale is not None:
            quantization = schema.QuantizationParametersT()
            quantization.scale = numpy.atleast_1d(scale).astype(numpy.float32)
            quantization.zeroPoint = numpy.full(quantization.scale.size, zero, numpy.int64)
            quantization.quantizedDimension = axis
            tensor.quantization = quantization
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def encoding(self, i):
        if i >= 0 and self.model.layers[i].kind == "softmax":
            return 1 / 256, INT8_MIN
        if i >= 0 and self.model.layers[i].kind in ("maxpool", "avgpool"):
            return self.encoding(self.model.layers[i].inputs[0])
        low, high = self.ranges[i]
        scale = max(high - low, 1e-6) / 255
        return scale, round(INT8_MIN - low / scale)

    def activation(self, name, i, shape):
        shape = shape if len(shape) == 2 else (1, *shape)
        if self.ranges is None:
            return self.tensor(name, shape=shape)
        scale, zero = self.encoding(i)
        return self.tensor(name, shape=shape, kind=schema.TensorType.INT8, scale=scale, zero=zero)

    def weights(self, i, layer, array, axis):
        if self.ranges is None:
            return [self.tensor(f"w{i}", array), self.tensor(f"b{i}", layer.bias)]
        others = tuple(other for other in range(array.ndim) if other != axis)
        scale = numpy.maximum(numpy.abs(array).max(axis=others), 1e-9) / INT8_MAX
        along = scale.reshape([-1 if other == axis else 1 for other in range(array.ndim)])
        quantized = numpy.clip(numpy.round(array / along), -INT8_MAX, INT8_MAX).astype(numpy.int8)
        sums = self.encoding(layer.inputs[0])[0] * scale
        bias = numpy.round(layer.bias / sums).astype(numpy.int32)
        return [
            self.tensor(f"w{i}", quantized, kind=schema.TensorType.INT8, scale=scale, axis=axis),
            self.tensor(f"b{i}", bias, kind=schema.TensorType.INT32, scale=sums),
        ]

    def operator(self, op, options, kind, inputs, output):
        if op not in self.codes:
            self.codes.append(op)
        operator = schema.OperatorT()
        operator.opcodeIndex = self.codes.index(op)
        operator.inputs, operator.outputs = inputs, [output]
        operator.builtinOptionsType, operator.builtinOptions = kind, options
        self.operators.append(operator)

    def add(self, i, layer):
        inputs = [self.outputs[source] for source in layer.inputs]
        output = self.outputs[i] = self.activation(f"layer{i}", i, layer.shape)
        activation = ACTIVATION[layer.activation]
        kinds = schema.BuiltinOptions

        def windowed(options):
            options.padding = SAME if layer.is_padded else VALID
            options.strideH = options.strideW = layer.stride
            options.fusedActivationFunction = activation
            return options

        if layer.kind == "conv":
            options = windowed(schema.Conv2DOptionsT())
            options.dilationHFactor = options.dilationWFactor = 1
            inputs += self.weights(i, layer, layer.weights, 0)
            self.operator(Op.CONV_2D, options, kinds.Conv2DOptions, inputs, output)
        elif layer.kind == "depthwise":
            options = windowed(schema.DepthwiseConv2DOptionsT())
            options.dilationHFactor = options.dilationWFactor = 1
            options.depthMultiplier = layer.shape[2] // layer.input_shape[2]
            inputs += self.weights(i, layer, layer.weights[None], 3)
            self.operator(Op.DEPTHWISE_CONV_2D, options, kinds.DepthwiseConv2DOptions, inputs, output)
        elif layer.kind == "fc":
            options = schema.FullyConnectedOptionsT()
            options.fusedActivationFunction = activation
            inputs += self.weights(i, layer, layer.weights, 0)
            self.operator(Op.FULLY_CONNECTED, options, kinds.FullyConnectedOptions, inputs, output)
        elif layer.kind == "add":
            options = schema.AddOptionsT()
            options.fusedActivationFunction = activation
            self.operator(Op.ADD, options, kinds.AddOptions, inputs, output)
        elif layer.kind in ("maxpool", "avgpool"):
            options = windowed(schema.Pool2DOptionsT())
            options.filterHeight, options.filterWidth = layer.window
            op = Op.MAX_POOL_2D if layer.kind == "maxpool" else Op.AVERAGE_POOL_2D
            self.operator(op, options, kinds.Pool2DOptions, inputs, output)
        elif layer.kind == "mean":
            options = schema.ReducerOptionsT()
            options.keepDims = False
            axes = self.tensor(f"axes{i}", numpy.array([1, 2], numpy.int32), kind=schema.TensorType.INT32)
            self.operator(Op.MEAN, options, kinds.ReducerOptions, [*inputs, axes], output)
        elif layer.kind == "softmax":
            options = schema.SoftmaxOptionsT()
            options.beta = 1.0
            self.operator(Op.SOFTMAX, options, kinds.SoftmaxOptions, inputs, output)

    def bytes(self):
        for i, layer in enumerate(self.model.layers):
            self.add(i, layer)
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = self.tensors, self.operators
        graph.inputs, graph.outputs = [self.outputs[-1]], [self.outputs[len(self.model.layers) - 1]]
        file = schema.ModelT()
        file.version, file.subgraphs, file.buffers = 3, [graph], self.buffers
        file.operatorCodes = []
        for op in self.codes:
            code = schema.OperatorCodeT()
            code.builtinCode = code.deprecatedBuiltinCode = op
            code.version = VERSIONS[op][0 if self.ranges is None else 1]
            file.operatorCodes.append(code)
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(file.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def write(model, stem, ranges):
    """Writes `stem`.tflite and `stem`.int8.tflite and returns the two paths."""
    paths = [f"{stem}.tflite", f"{stem}.int8.tflite"]
    for path, limits in zip(paths, (None, ranges)):
        with open(path, "wb") as file:
            file.write(Writer(model, limits).bytes())
    return paths
