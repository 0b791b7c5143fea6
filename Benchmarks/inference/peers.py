"""LiteRT, ONNX Runtime and OpenVINO with one thread: each makes a callable that runs a model file once.

What is measured is the runtime and not its Python face: inputs are set once and outputs stay where they are. A callable
returns the microseconds of the run; OpenVINO's are by its own clock, because its Python face adds three to each call.
"""

import importlib.metadata
import time

import numpy

SEED = 3


def random_array(shape, kind):
    random = numpy.random.default_rng(SEED)
    if numpy.issubdtype(kind, numpy.integer):
        limits = numpy.iinfo(kind)
        return random.integers(limits.min, limits.max, shape, kind, endpoint=True)
    return random.normal(0, 1, shape).astype(kind)


def timed(function):
    def run():
        start = time.perf_counter_ns()
        function()
        return (time.perf_counter_ns() - start) / 1e3

    return run


def litert(path):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path, num_threads=1)
    interpreter.allocate_tensors()
    for tensor in interpreter.get_input_details():
        interpreter.set_tensor(tensor["index"], random_array(tensor["shape"], tensor["dtype"]))
    return timed(interpreter.invoke)


def onnx_runtime(path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    kinds = {"tensor(float)": numpy.float32, "tensor(uint8)": numpy.uint8, "tensor(int8)": numpy.int8}
    binding = session.io_binding()
    for tensor in session.get_inputs():
        value = onnxruntime.OrtValue.ortvalue_from_numpy(random_array(tensor.shape, kinds[tensor.type]))
        binding.bind_ortvalue_input(tensor.name, value)
    for tensor in session.get_outputs():
        value = onnxruntime.OrtValue.ortvalue_from_shape_and_type(tensor.shape, kinds[tensor.type], "cpu")
        binding.bind_ortvalue_output(tensor.name, value)
    return timed(lambda: session.run_with_iobinding(binding))


def openvino_choice():
    """What OpenVINO computes layers in floating point with when nobody says it: bfloat16 where the CPU has it."""
    import openvino as ov

    choice = ov.Core().get_property("CPU", "INFERENCE_PRECISION_HINT").to_string()
    return {"bf16": "bfloat16", "f32": "float32"}.get(choice, choice)


def openvino(path, precision=None):
    """`precision` is a hint for the layers in floating point."""
    import openvino as ov
    from openvino._pyopenvino import InferRequest

    settings = {"INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "LATENCY"}
    if precision:
        settings["INFERENCE_PRECISION_HINT"] = precision
    core = ov.Core()
    model = core.read_model(path)
    for tensor in model.inputs:
        if tensor.partial_shape.is_dynamic:
            shape = [size.get_length() if size.is_static else 1 for size in tensor.partial_shape]
            model.reshape({tensor: shape})
    compiled = core.compile_model(model, "CPU", settings)
    request = compiled.create_infer_request()
    kinds = {"f32": numpy.float32, "u8": numpy.uint8, "i8": numpy.int8}
    for i, tensor in enumerate(compiled.inputs):
        array = random_array(list(tensor.shape), kinds[tensor.element_type.get_type_name()])
        request.set_input_tensor(i, ov.Tensor(array))

    def run():
        # The method of the base class: the one of the subclass copies inputs and outputs.
        InferRequest.infer(request, {}, share_outputs=True, decode_strings=False)
        return request.latency * 1e3

    return run


def versions():
    names = {"ai-edge-litert": "LiteRT", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}
    return [f"{name} {importlib.metadata.version(package)}" for package, name in names.items()]
