/// "label ━━━━──── 41%  numbers", cut to fit the terminal's width.
func progressBar(label: String, share: Double, numbers: String, console: Console) -> String {
  let numbers = " \(fixed(share * 100, 0))%  \(numbers)"
  let room = console.width - 1 - label.count - 1 - numbers.count
  guard room >= 5 else { return String("\(label)\(numbers)".prefix(console.width - 1)) }
  let cells = min(room, 40)
  let filled = Int(share * Double(cells))
  return label + " " + String(repeating: "━", count: filled)
    + console.dimmed(String(repeating: "─", count: cells - filled)) + numbers
}
