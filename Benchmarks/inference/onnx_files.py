"""Writes a model of `shapes` as ONNX: float32, and int8 as QDQ and as QOperator by ONNX Runtime's static quantization."""

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import quantization

import shapes

OPSET = 17


def channels_first(shape):
    return (shape[2], shape[0], shape[1]) if len(shape) == 3 else shape


def feed(model, array):
    """An input of ours, `[1, H, W, C]`, as the ONNX file takes it."""
    return array.transpose(0, 3, 1, 2) if array.ndim == 4 else array


def float_model(model):
    nodes, constants = [], []
    dimensions = lambda shape: list(shape) if len(shape) == 2 else [1, *channels_first(shape)]
    name_of = lambda i: f"layer{i}" if i >= 0 else "input"

    def constant(name, array):
        constants.append(numpy_helper.from_array(numpy.ascontiguousarray(array), name))
        return name

    for i, layer in enumerate(model.layers):
        inputs, output = [name_of(source) for source in layer.inputs], name_of(i)
        target = output if layer.activation == "none" else output + "_sum"
        window = dict(kernel_shape=layer.window, strides=[layer.stride] * 2, pads=layer.padding)
        if layer.kind == "conv":
            inputs += [constant(f"w{i}", layer.weights.transpose(0, 3, 1, 2)), constant(f"b{i}", layer.bias)]
            nodes.append(helper.make_node("Conv", inputs, [target], **window))
        elif layer.kind == "depthwise":
            weights = layer.weights.transpose(2, 0, 1)[:, None]
            inputs += [constant(f"w{i}", weights), constant(f"b{i}", layer.bias)]
            nodes.append(helper.make_node("Conv", inputs, [target], group=layer.input_shape[2], **window))
        elif layer.kind == "fc":
            inputs += [constant(f"w{i}", layer.weights.T), constant(f"b{i}", layer.bias)]
            nodes.append(helper.make_node("Gemm", inputs, [target]))
        elif layer.kind == "add":
            nodes.append(helper.make_node("Add", inputs, [target]))
        elif layer.kind == "maxpool":
            nodes.append(helper.make_node("MaxPool", inputs, [target], **window))
        elif layer.kind == "avgpool":
            nodes.append(helper.make_node("AveragePool", inputs, [target], **window))
        elif layer.kind == "mean":
            nodes.append(helper.make_node("GlobalAveragePool", inputs, [output + "_pool"]))
            nodes.append(helper.make_node("Flatten", [output + "_pool"], [target]))
        elif layer.kind == "softmax":
            nodes.append(helper.make_node("Softmax", inputs, [target], axis=-1))
        if layer.activation == "relu":
            nodes.append(helper.make_node("Relu", [target], [output]))
        elif layer.activation == "relu6":
            limits = [constant(f"low{i}", numpy.float32(0)), constant(f"high{i}", numpy.float32(6))]
            nodes.append(helper.make_node("Clip", [target, *limits], [output]))
    graph = helper.make_graph(
        nodes, model.name,
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, dimensions(model.input_shape))],
        [helper.make_tensor_value_info(name_of(len(model.layers) - 1), TensorProto.FLOAT,
                                       dimensions(model.layers[-1].shape))],
        constants,
    )
    return onnx.shape_inference.infer_shapes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8))


class Calibration(quantization.CalibrationDataReader):
    def __init__(self, model):
        self.inputs = iter([{"input": feed(model, array)} for array in shapes.calibration(model)])

    def get_next(self):
        return next(self.inputs, None)


def write(model, stem):
    """Writes `stem`.onnx, `stem`.qdq.onnx and `stem`.qop.onnx and returns the three paths."""
    paths = [f"{stem}.onnx", f"{stem}.qdq.onnx", f"{stem}.qop.onnx"]
    onnx.save(float_model(model), paths[0])
    formats = (quantization.QuantFormat.QDQ, quantization.QuantFormat.QOperator)
    for path, quant_format in zip(paths[1:], formats):
        quantization.quantize_static(
            paths[0], path, Calibration(model), quant_format=quant_format, per_channel=True,
            activation_type=quantization.QuantType.QUInt8, weight_type=quantization.QuantType.QInt8,
        )
        onnx.save(integers_at_the_ends(onnx.load(path)), path)
    return paths


def integers_at_the_ends(file):
    """Drops the quantization of the input and the dequantization of the output, so that only the model is measured."""
    graph = file.graph
    first = next(node for node in graph.node if graph.input[0].name in node.input)
    if first.op_type == "QuantizeLinear":
        graph.node.remove(first)
        for node in graph.node:
            node.input[:] = [graph.input[0].name if name == first.output[0] else name for name in node.input]
        graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    last = next(node for node in graph.node if graph.output[0].name in node.output)
    if last.op_type == "DequantizeLinear":
        graph.node.remove(last)
        graph.output[0].name = last.input[0]
        graph.output[0].type.tensor_type.elem_type = TensorProto.UINT8
    return file


def ranges(model, path):
    """Least and greatest value of the input and of each layer's output over the calibration, key -1 the input."""
    file = onnx.load(path)
    del file.graph.output[:]
    names = [f"layer{i}" for i in range(len(model.layers))]
    file.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    session = onnxruntime.InferenceSession(file.SerializeToString(), providers=["CPUExecutionProvider"])
    found = {}
    for array in shapes.calibration(model):
        outputs = session.run(names, {"input": feed(model, array)})
        for i, values in enumerate([array, *outputs], -1):
            low, high = found.get(i, (0, 0))
            found[i] = (min(low, float(values.min())), max(high, float(values.max())))
    return found
