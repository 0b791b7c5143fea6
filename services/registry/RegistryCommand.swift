@main
struct RegistryCommand {
    static func main() {}
}
