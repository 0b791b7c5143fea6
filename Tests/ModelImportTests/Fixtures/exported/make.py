#!/usr/bin/env python3
"""Makes the models of this folder with the exporters of others, and their answers with the runtimes of others.

Usage: make.py onnx|tflite FOLDER
Needs for onnx: numpy onnx==1.17.0 onnxruntime skl2onnx scikit-learn; for tflite: numpy tensorflow-cpu.
For each model NAME.onnx or NAME.tflite: NAME.x.f32, rows of inputs in the order of the file, and NAME.y.f32, the answers.
"""
import os
import sys

import numpy as np

random = np.random.RandomState(20261128)
ROWS = 3


def save(folder, name, model, x, y):
    with open(f"{folder}/{name}", "wb") as file:
        file.write(model)
    stem = f"{folder}/{name.rsplit('.', 1)[0]}"
    np.asarray(x, np.float32).tofile(stem + ".x.f32")
    np.asarray(y, np.float32).tofile(stem + ".y.f32")


def onnx_models(folder):
    import tempfile

    import onnx
    import onnxruntime
    from onnx import helper, numpy_helper
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

    def network(opset, ir, weights="initializer", lists_weights=False, has_bias=True):
        """A small network for pictures, with its weights in one of the ways that exporters have."""
        nodes, initializers = [], []

        def constant(name, array):
            array = np.asarray(array)
            if weights == "node" and array.dtype == np.float32:
                nodes.append(helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array, name)))
            elif weights == "reshape" and array.ndim > 1:
                initializers.append(numpy_helper.from_array(array.reshape(-1), name + "_flat"))
                initializers.append(numpy_helper.from_array(np.array(array.shape, np.int64), name + "_shape"))
                nodes.append(helper.make_node("Reshape", [name + "_flat", name + "_shape"], [name]))
            else:
                initializers.append(numpy_helper.from_array(array, name))
            return name

        def node(kind, inputs, output, **attributes):
            nodes.append(helper.make_node(kind, inputs, [output], name=output + "_node", **attributes))
            return output

        def normal(*shape):
            return (random.randn(*shape) / np.sqrt(np.prod(shape[1:]) or 1)).astype(np.float32)

        def bias(name, count):
            return [constant(name, normal(count))] if has_bias else []

        a = node("Conv", ["x", constant("w1", normal(4, 3, 3, 3))] + bias("b1", 4), "c1", pads=[1, 0, 2, 1],
                 strides=[2, 1])
        a = node("BatchNormalization", [a] + [
            constant(n, v.astype(np.float32)) for n, v in [
                ("scale", random.uniform(0.5, 1.5, 4)), ("shift", random.randn(4) / 3), ("mean", random.randn(4) / 3),
                ("variance", random.uniform(0.5, 2, 4))]], "n1")
        a = node("Relu", [a], "r1")
        b = node("Conv", [a, constant("w2", normal(4, 1, 3, 3))] + bias("b2", 4), "c2", group=4,
                 auto_pad="SAME_LOWER")
        a = node("Add", [a, b], "a1")
        a = node("LeakyRelu", [a], "l1", alpha=0.125)
        b = node("Sigmoid", [a], "s1")
        a = node("Mul", [a, b], "m1")
        a = node("Concat", [a, b], "k1", axis=1)
        a = node("MaxPool", [a], "p1", kernel_shape=[2, 2], strides=[1, 2], pads=[0, 1, 1, 0])
        a = node("AveragePool", [a], "p2", kernel_shape=[2, 2], count_include_pad=1, pads=[1, 0, 0, 0])
        a = node("GlobalAveragePool", [a], "g1")
        a = node("Flatten", [a], "f1")
        a = node("Gemm", [a, constant("w3", normal(8, 5)), constant("b3", normal(5))], "q1")
        a = node("Relu", [a], "r2")
        a = node("MatMul", [a, constant("w4", normal(5, 3))], "q2")
        a = node("Add", [a, constant("b4", normal(3))], "q3")
        node("Softmax", [a], "y", axis=1)
        value = helper.make_tensor_value_info
        inputs = [value("x", 1, ["N", 3, 7, 9])]
        if lists_weights:
            inputs += [value(i.name, i.data_type, i.dims) for i in initializers]
        graph = helper.make_graph(nodes, "network", inputs, [value("y", 1, ["N", 3])], initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)

    class Rows(CalibrationDataReader):
        def __init__(self, rows):
            self.rows = iter([{"x": row[None]} for row in rows])

        def get_next(self):
            return next(self.rows, None)

    def answers(model, x, name="x", output=-1):
        session = onnxruntime.InferenceSession(model)
        return np.concatenate([np.asarray(session.run(None, {name: row[None]})[output]) for row in x])

    def add(name, model, x, output=-1):
        save(folder, name + ".onnx", model, x, answers(model, x, output=output))

    x = random.uniform(-2, 2, (ROWS, 3, 7, 9)).astype(np.float32)
    add("ir3_opset7", network(7, 3, lists_weights=True).SerializeToString(), x)
    add("constant_nodes", network(11, 6, weights="node").SerializeToString(), x)
    add("reshaped_initializers", network(17, 8, weights="reshape").SerializeToString(), x)
    add("opset22", network(22, 10).SerializeToString(), x)
    from onnxruntime.transformers.float16 import convert_float_to_float16
    half = convert_float_to_float16(network(15, 8), keep_io_types=True, disable_shape_infer=True)
    add("float16", half.SerializeToString(), x)
    with tempfile.TemporaryDirectory() as temporary:
        source, target = temporary + "/float.onnx", temporary + "/quantized.onnx"
        for weights in ["initializer", "node"]:
            onnx.save(network(17, 8, weights=weights, has_bias=weights == "initializer"), source)
            calibration = list(random.uniform(-2, 2, (20, 3, 7, 9)).astype(np.float32)) + list(x)
            forms = [("qdq", QuantFormat.QDQ, QuantType.QUInt8, True), ("qoperator", QuantFormat.QOperator,
                     QuantType.QInt8, False)] if weights == "initializer" else []
            for form, kind, activations, per_channel in forms:
                quantize_static(source, target, Rows(calibration), quant_format=kind, per_channel=per_channel,
                                activation_type=activations, weight_type=QuantType.QInt8)
                with open(target, "rb") as file:
                    add(form, file.read(), x)
            quantize_dynamic(source, target, weight_type=QuantType.QUInt8 if weights == "node" else QuantType.QInt8)
            with open(target, "rb") as file:
                add("dynamic" if weights == "initializer" else "dynamic_constant_nodes", file.read(), x)

    from skl2onnx import to_onnx
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import Normalizer, StandardScaler
    rows = (random.randn(200, 5) * [1, 3, 0.5, 10, 2] + [0, 1, 2, 3, 4]).astype(np.float32)
    target = rows @ random.randn(5)
    classes = np.digitize(target, np.quantile(target, [0.3, 0.6]))
    names = np.array(["ape", "bee", "cat"])[classes]
    for name, model, wanted, zipmap in [
        ("sklearn_linear", make_pipeline(StandardScaler(), LinearRegression()), target, None),
        ("sklearn_logistic", make_pipeline(StandardScaler(), Normalizer(), LogisticRegression()), names, True),
        ("sklearn_binary", LogisticRegression(max_iter=1000), classes > 0, False),
        ("sklearn_mlp", MLPClassifier((6,), max_iter=80, random_state=1), names, False),
    ]:
        model.fit(rows, wanted)
        options = {id(model): {"zipmap": False}} if zipmap is False else None
        exported = to_onnx(model, rows[:1], options=options).SerializeToString()
        session = onnxruntime.InferenceSession(exported)
        y = session.run(None, {session.get_inputs()[0].name: rows[:ROWS]})[-1]
        if isinstance(y, list):
            y = [list(row.values()) for row in y]
        save(folder, name + ".onnx", exported, rows[:ROWS], y)


def tflite_models(folder):
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf
    layers = tf.keras.layers
    tf.random.set_seed(20261128)

    def classifier(has_swish=True):
        """Dilated and depthwise convolutions, a fused activation of each kind, and a batch that is not fixed."""
        x = tf.keras.Input((9, 8, 3))
        a = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu", bias_initializer="normal")(x)
        a = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, activation="relu6", bias_initializer="normal")(a)
        a = layers.Conv2D(5, 2, dilation_rate=2, padding="same", bias_initializer="normal")(a)
        a = layers.ReLU()(a)
        a = layers.Add()([a, layers.Activation("hard_swish")(a)]) if has_swish else a
        a = layers.Concatenate()([a, layers.Activation("tanh")(a)])
        a = layers.MaxPool2D(2, strides=1, padding="same")(a)
        a = layers.AveragePooling2D(2, strides=2, padding="same")(a)
        a = layers.Flatten()(a)
        a = layers.Dense(6, activation="relu", bias_initializer="normal")(a)
        return tf.keras.Model(x, layers.Dense(4, activation="softmax", bias_initializer="normal")(a))

    def mover():
        """Slices with masks, parts, rows in another order, pads, sizes with each flag, and dimensions that come and go."""
        x = tf.keras.Input((6, 7, 4), batch_size=1)
        old = tf.compat.v1.image
        a = layers.Lambda(lambda t: t[:, 1:, ::2, :])(x)
        a = layers.Lambda(lambda t: t[:, :-1, ::-1, :])(a)
        a = layers.Lambda(lambda t: t[:, 2][:, tf.newaxis] + t[:, :1])(a)
        a = layers.Lambda(lambda t: tf.concat(list(reversed(tf.split(t, 2, axis=3))), 3))(a)
        a = layers.Lambda(lambda t: tf.gather(t, [3, 0, 2], axis=3))(a)
        a = layers.Lambda(lambda t: tf.pad(t, [[0, 0], [1, 2], [0, 1], [0, 0]]))(a)
        a = layers.Lambda(lambda t: old.resize_bilinear(t, [7, 5], align_corners=True))(a)
        a = layers.Lambda(lambda t: tf.image.resize(t, [5, 9], method="bilinear"))(a)
        a = layers.Lambda(lambda t: old.resize_nearest_neighbor(t, [8, 4], align_corners=True))(a)
        a = layers.Lambda(lambda t: old.resize_nearest_neighbor(t, [3, 7], half_pixel_centers=True))(a)
        a = layers.Lambda(lambda t: tf.transpose(t, [0, 2, 1, 3]))(a)
        a = layers.LeakyReLU(0.2)(a)
        a = layers.Lambda(lambda t: tf.squeeze(tf.expand_dims(tf.reduce_mean(t, [2]), 1), [1]) * 2.0 - 0.5)(a)
        return tf.keras.Model(x, layers.Activation("sigmoid")(a))

    def add(name, model, shape, form):
        x = random.uniform(-2, 2, (ROWS,) + shape).astype(np.float32)
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        operators = tf.lite.OpsSet
        if form != "float":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if form == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if form in ("int8", "uint8", "int16"):
            rows = random.uniform(-2, 2, (40,) + shape).astype(np.float32)
            converter.representative_dataset = lambda: ([row[None]] for row in rows)
            converter.target_spec.supported_ops = [
                operators.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8 if form == "int16"
                else operators.TFLITE_BUILTINS_INT8]
        if form == "uint8":
            converter.inference_input_type = converter.inference_output_type = tf.uint8
        content = converter.convert()
        interpreter = tf.lite.Interpreter(
            model_content=content,
            experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF)
        interpreter.allocate_tensors()
        inputs, outputs = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
        answers = []
        for row in x:
            given = row[None]
            if inputs["dtype"] != np.float32:
                scale, zero = inputs["quantization"]
                limits = np.iinfo(inputs["dtype"])
                given = np.clip(np.round(given / scale) + zero, limits.min, limits.max).astype(inputs["dtype"])
            interpreter.set_tensor(inputs["index"], given)
            interpreter.invoke()
            answer = interpreter.get_tensor(outputs["index"])
            if outputs["dtype"] != np.float32:
                scale, zero = outputs["quantization"]
                answer = (answer.astype(np.float32) - zero) * scale
            answers.append(answer)
        save(folder, name + ".tflite", content, x, np.concatenate(answers))

    model = classifier()
    for form in ["float", "float16", "dynamic", "int8", "uint8"]:
        add("keras_" + form, model, (9, 8, 3), form)
    add("keras_int16", classifier(has_swish=False), (9, 8, 3), "int16")
    model = mover()
    for form in ["float", "int8"]:
        add("moves_" + form, model, (6, 7, 4), form)


if __name__ == "__main__":
    {"onnx": onnx_models, "tflite": tflite_models}[sys.argv[1]](sys.argv[2])
