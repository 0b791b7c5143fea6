@main
struct InferenceNodeCommand {
    static func main() {}
}
