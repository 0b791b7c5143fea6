@main
struct MonitorCommand {
    static func main() {}
}
