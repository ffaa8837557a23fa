/// Dates and times as metadata write them, without a time zone: a camera's clock shows local time.
package enum CameraTime {
  /// The years 1800 to 2999, in seconds from 1970.
  static let range =
    Int64(daysFrom1970(1800, 1, 1)) * 86_400..<Int64(daysFrom1970(3000, 1, 1)) * 86_400

  /// Seconds from 1970-01-01 00:00 of the same clock. Reads `2021:07:14 09:30:00` (EXIF),
  /// `2021-07-14T09:30:00.25+02:00` (XMP; the offset is left out), and a date alone (IPTC).
  static func seconds(_ text: String) -> Int64? {
    var numbers: [Int] = []
    var rest = text.utf8.drop { $0 == UInt8(ascii: " ") }
    for (length, separators) in [(4, ":-/."), (2, ":-/."), (2, " T"), (2, ":"), (2, ":"), (2, "")] {
      let digits = rest.prefix(length)
      guard digits.count == length, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { break }
      numbers.append(digits.reduce(0) { $0 * 10 + Int($1 - 0x30) })
      rest = rest.dropFirst(length)
      guard let next = rest.first, separators.utf8.contains(next) else { break }
      rest = rest.dropFirst()
    }
    guard numbers.count >= 3 else { return nil }
    numbers += Array(repeating: 0, count: 6 - numbers.count)
    guard (1800..<3000).contains(numbers[0]), (1...12).contains(numbers[1]),
      (1...days(inMonth: numbers[1], of: numbers[0])).contains(numbers[2]),
      (0..<24).contains(numbers[3]), (0..<60).contains(numbers[4]), (0...60).contains(numbers[5])
    else { return nil }
    let days = daysFrom1970(numbers[0], numbers[1], numbers[2])
    return Int64(days * 86_400 + numbers[3] * 3600 + numbers[4] * 60 + min(numbers[5], 59))
  }

  /// Such as `2021-07-14 09:30:00`.
  package static func text(_ seconds: Int64) -> String {
    var (days, rest) = Int(seconds).quotientAndRemainder(dividingBy: 86_400)
    if rest < 0 { (days, rest) = (days - 1, rest + 86_400) }
    let (year, month, day) = date(daysFrom1970: days)
    func two(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
    return "\(year)-\(two(month))-\(two(day)) "
      + "\(two(rest / 3600)):\(two(rest / 60 % 60)):\(two(rest % 60))"
  }

  /// The month that a time is in, such as `2021-07`.
  package static func month(_ seconds: Int64) -> String { String(text(seconds).prefix(7)) }

  private static func days(inMonth month: Int, of year: Int) -> Int {
    let isLeap = year.isMultiple(of: 4) && !year.isMultiple(of: 100) || year.isMultiple(of: 400)
    return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
  }

  /// Days of the Gregorian calendar, counted from March so that a leap day is the last of its year
  /// (Hinnant, "chrono-compatible low-level date algorithms", days_from_civil).
  private static func daysFrom1970(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let year = month <= 2 ? year - 1 : year
    let (era, yearOfEra) = (year / 400, year % 400)
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  /// The reverse (civil_from_days).
  private static func date(daysFrom1970 days: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = days + 719_468
    let (era, day) = (shifted / 146_097, shifted % 146_097)
    let yearOfEra = (day - day / 1460 + day / 36_524 - day / 146_096) / 365
    let dayOfYear = day - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth + (shiftedMonth < 10 ? 3 : -9)
    return (
      yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month,
      dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    )
  }
}
