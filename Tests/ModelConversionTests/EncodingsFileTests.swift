import Inference
import ModelContainer
import ModelConversion
import ModelGraph
import Quantization
import Testing

/// Encodings of AIMET and QNN, with numbers computed by hand.
struct EncodingsFileTests {
    private static let graph = Graph(
        name: "g",
        inputs: [TensorInfo(name: "x", shape: [3])],
        outputs: ["y"],
        nodes: [
            Node(
                name: "a",
                operation: .fullyConnected(weights: "w", bias: "b", activation: .none),
                input: "x",
                output: "y"
            )
        ],
        constants: [
            "w": Tensor(shape: [2, 3], floats: [0.5, -1, 0.26, 2, -2, 0.1]), "b": Tensor(shape: [2], floats: [1, -1]),
        ]
    )

    private func apply(_ text: String) throws(EncodingsError) -> FixedEncodings {
        try EncodingsFile(Array(text.utf8)).applied(to: FixedEncodings(), of: Self.graph, imported: nil).encodings
    }

    private func error(_ text: String) -> String {
        do throws(EncodingsError) {
            _ = try apply(text)
            return "nothing"
        } catch { return error.description }
    }

    @Test("AIMET 0.6.1: an offset is a zero point with its sign turned")
    func aimet06() throws {
        // 0.1 * (0 - 40) = -4 and 0.1 * (255 - 40) = 21.5
        let fixed = try apply(
            """
            {"version": "0.6.1",
             "activation_encodings": {
               "x": [{"bitwidth": 8, "dtype": "int", "is_symmetric": "False", "max": 21.5, "min": -4.0, "offset": -40,
                      "scale": 0.1}],
               "y": [{"bitwidth": 8, "dtype": "int", "is_symmetric": "True", "max": 1.27, "min": -1.28, "offset": -128,
                      "scale": 0.01}]},
             "param_encodings": {
               "w": [{"bitwidth": 8, "dtype": "int", "is_symmetric": "True", "max": 1.27, "min": -1.28, "offset": -128,
                      "scale": 0.01},
                     {"bitwidth": 8, "dtype": "int", "is_symmetric": "True", "max": 2.54, "min": -2.56, "offset": -128,
                      "scale": 0.02}]},
             "quantizer_args": {"activation_bitwidth": 8}}
            """
        )
        #expect(fixed.values["x"] == (try Encoding(scale: 0.1, zeroPoint: 40)))
        #expect(fixed.values["y"] == (try Encoding(scale: 0.01, zeroPoint: 128)))
        let weights = try #require(fixed.constants["w"])
        #expect(weights.scales == [0.01, 0.02])
        #expect(weights.zeroPoints == [0, 0])
        // 0.5 / 0.01, -1 / 0.01, 0.26 / 0.01; 2 / 0.02, -2 / 0.02, 0.1 / 0.02
        #expect(try weights.integers.int8s == [50, -100, 26, 100, -100, 5])
    }

    @Test("AIMET 1.0.0: lists of objects with names")
    func aimet10() throws {
        let fixed = try apply(
            """
            {"version": "1.0.0",
             "activation_encodings": [
               {"name": "x", "bw": 8, "dtype": "INT", "enc_type": "PER_TENSOR", "is_sym": false, "offset": [-3.0],
                "scale": [0.5]}],
             "param_encodings": [
               {"name": "w", "bw": 4, "dtype": "INT", "enc_type": "PER_CHANNEL", "is_sym": true, "offset": [-8, -8],
                "scale": [0.25, 0.25]}]}
            """
        )
        #expect(fixed.values["x"] == (try Encoding(scale: 0.5, zeroPoint: 3)))
        // In steps of 0.25, cut to -8...7: 2, -4, 1.04, 8, -8, 0.4.
        #expect(try fixed.constants["w"]?.integers.int8s == [2, -4, 1, 7, -8, 0])
    }

    @Test("Overrides of QNN and SNPE: no version, a range alone, or an offset without its sign")
    func overrides() throws {
        let fixed = try apply(
            """
            {"activation_encodings": {
               "x": [{"bitwidth": 8, "max": 0.996, "min": -1.004, "offset": 128, "scale": 0.00784313725}],
               "y": [{"bitwidth": 8, "max": 3.0, "min": -2.1, "is_symmetric": "False"}]},
             "param_encodings": {
               "w": [{"bitwidth": 8, "max": 3.0, "min": -2.1}]}}
            """
        )
        #expect(fixed.values["x"]?.zeroPoint == 128)
        // 5.1 / 255 = 0.02, and 2.1 / 0.02 = 105.
        #expect(fixed.values["y"] == (try Encoding(scale: 0.02, zeroPoint: 105)))
        let weights = try #require(fixed.constants["w"])
        #expect(weights.zeroPoints == [105] && weights.scales == [0.02])
        // 105 + 25, - 50, + 13, + 100, - 100, + 5
        #expect(try weights.integers.uint8s == [130, 55, 118, 205, 5, 110])
        let symmetric = try apply(
            """
            {"activation_encodings": {"y": [{"bitwidth": 8, "is_symmetric": "True", "scale": 0.5, "offset": 0}]},
             "param_encodings": {"w": [{"bitwidth": 8, "is_symmetric": "True", "scale": 0.5, "offset": 0}]}}
            """
        )
        // Of weights 0 is the middle; of values nothing is below it.
        #expect(symmetric.values["y"]?.zeroPoint == 0)
        #expect(try symmetric.constants["w"]?.integers.int8s == [1, -2, 1, 4, -4, 0])
    }

    @Test("What cannot be used is named")
    func errors() {
        let wrongs = [
            (#"{"activation_encodings": {"#, "it is no JSON"),
            (#"[1, 2]"#, "Dictionary"),
            (#"{"version": "2.0.0", "encodings": []}"#, "version 2.0.0 is not known; export with 0.6.1 or 1.0.0"),
            (#"{}"#, "there is no encoding"),
            (
                #"{"activation_encodings": {"yy": [{"bitwidth": 8, "scale": 1, "offset": 0}]}}"#,
                "no tensor 'yy'; near it are 'y'"
            ),
            (#"{"activation_encodings": {"x": [{"bitwidth": 8, "scale": 0, "offset": 0}]}}"#, "'x': its scale is 0.0"),
            (#"{"activation_encodings": {"x": [{"bitwidth": 8, "scale": 1, "offset": 7}]}}"#, "such as -7"),
            (#"{"activation_encodings": {"x": [{"bitwidth": 16, "scale": 1, "offset": -9}]}}"#, "'x': it has 16 bits"),
            (#"{"activation_encodings": {"x": [{"scale": 1, "offset": -9}]}}"#, "'x': its bitwidth is missing"),
            (#"{"activation_encodings": {"x": []}}"#, "'x': its list of encodings is empty"),
            (#"{"activation_encodings": {"x": [{"bitwidth": 8, "scale": "a"}]}}"#, ".activation_encodings.x"),
            (#"{"activation_encodings": {"x": [{"bitwidth": 8, "dtype": "float"}]}}"#, "'x': it asks for floats"),
            (#"{"activation_encodings": {"x": [{"bitwidth": 8, "min": 1, "max": 2}]}}"#, "does not go around 0"),
            (
                #"{"activation_encodings": {"x": [{"bitwidth": 8, "min": -1, "max": 1, "scale": 0.1, "offset": -100}]}}"#,
                "is not what scale"
            ),
            (
                #"{"param_encodings": {"w": [{"bitwidth": 8, "scale": [1, 1, 1], "offset": [-128, -128, -128]}]}}"#,
                "'w': it has 3 encodings, and the tensor has 2 outputs"
            ),
        ]
        for (text, reason) in wrongs {
            #expect(error(text).contains(reason), "\(text): \(error(text))")
        }
    }

    @Test("A bias has 32 bits of its own, and what the file names but the graph lost is told")
    func departures() throws {
        let file = try EncodingsFile(
            Array(
                #"{"param_encodings": {"b": [{"bitwidth": 32, "scale": 1, "offset": 0, "is_symmetric": true}]}}"#.utf8
            )
        )
        let applied = try file.applied(to: FixedEncodings(), of: Self.graph, imported: nil)
        #expect(applied.encodings.isEmpty)
        #expect(applied.departures.map(\.name) == ["b"])
    }

    @Test("Encodings win over what was seen, and a value that has none is named")
    func quantizing() throws {
        let model = try ModelContainer(
            parsing: ModelContainer.floatModel(graph: Self.graph, features: [], task: .regression, lineage: nil)
        )
        var fixed = FixedEncodings(values: ["x": try Encoding(scale: 0.25, zeroPoint: 100)])
        func quantize(_ rows: [Float]) throws -> QuantizationResult {
            try Quantizer.quantize(
                model: model,
                calibration: rows,
                rows: rows.count / 3,
                options: QuantizationOptions(goldenRows: 2, fixed: fixed)
            )
        }
        let seen = try quantize([1, 2, 3])
        let manifest = try ModelContainer(parsing: seen.container).manifest
        #expect(manifest.encodings["x"] == fixed.values["x"])
        #expect(seen.kept.values == 1 && seen.kept.departures.isEmpty)
        // The last layer's sums need no encoding.
        let blind = try quantize([])
        #expect(try ModelContainer(parsing: blind.container).manifest.golden?.inputs.count == 2)
        fixed.values = ["y": try Encoding(scale: 0.25, zeroPoint: 100)]
        #expect(throws: InferenceError.noEncoding(values: ["x"])) { try quantize([]) }
        #expect(InferenceError.noEncoding(values: ["x"]).description.contains("'x'"))
    }
}
