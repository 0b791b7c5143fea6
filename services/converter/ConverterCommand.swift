@main
struct ConverterCommand {
    static func main() {}
}
