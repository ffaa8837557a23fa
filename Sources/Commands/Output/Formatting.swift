import Glibc

/// A number with a fixed number of decimals.
func fixed(_ value: Double, _ decimals: Int) -> String {
  guard value.isFinite, value.magnitude < 1e12 else { return "\(value)" }
  var scale = 1
  for _ in 0..<decimals { scale *= 10 }
  let units = Int((value * Double(scale)).rounded(.toNearestOrAwayFromZero))
  let sign = units < 0 ? "-" : ""
  let (whole, fraction) = units.magnitude.quotientAndRemainder(dividingBy: UInt(scale))
  guard decimals > 0 else { return "\(sign)\(whole)" }
  let digits = "\(fraction)"
  return "\(sign)\(whole).\(String(repeating: "0", count: decimals - digits.count))\(digits)"
}

/// A match probability as a percentage, "97.3 %".
func percent(_ probability: Float) -> String { fixed(Double(probability) * 100, 1) + " %" }

/// A duration, "8.4 s", "3:05" or "2:03:05".
func duration(_ seconds: Double) -> String {
  if seconds < 60 { return fixed(seconds, 1) + " s" }
  return clock(seconds)
}

/// Whole minutes and seconds, "0:08", "3:05" or "2:03:05".
func clock(_ seconds: Double) -> String {
  let total = Int(min(max(seconds, 0), 1e9).rounded())
  func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
  let (hours, minutes) = (total / 3600, total / 60 % 60)
  return hours > 0
    ? "\(hours):\(two(minutes)):\(two(total % 60))" : "\(minutes):\(two(total % 60))"
}

/// A size in binary units, "12.3 MiB".
func size(ofBytes bytes: Int) -> String {
  var value = Double(bytes)
  for unit in ["bytes", "KiB", "MiB", "GiB"] {
    if value < 1024 { return unit == "bytes" ? "\(bytes) bytes" : "\(fixed(value, 1)) \(unit)" }
    value /= 1024
  }
  return "\(fixed(value, 1)) TiB"
}

/// A time in the local time zone, "2026-11-23 20:15".
/// - Parameter seconds: Since 1970.
func localTime(_ seconds: Int64) -> String {
  var (time, parts) = (time_t(seconds), tm())
  guard localtime_r(&time, &parts) != nil else { return "unknown time" }
  return formatted(parts, "%Y-%m-%d %H:%M")
}

private func formatted(_ parts: tm, _ format: String) -> String {
  var parts = parts
  let text = [UInt8](unsafeUninitializedCapacity: 64) { buffer, count in
    count = buffer.withMemoryRebound(to: CChar.self) {
      strftime($0.baseAddress!, $0.count, format, &parts)
    }
  }
  return String(decoding: text, as: UTF8.self)
}
