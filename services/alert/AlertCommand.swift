@main
struct AlertCommand {
    static func main() {}
}
