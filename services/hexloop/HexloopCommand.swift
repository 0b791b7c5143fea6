@main
struct HexloopCommand {
    static func main() {}
}
