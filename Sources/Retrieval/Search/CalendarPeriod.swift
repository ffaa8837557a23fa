/// A year, a month or a day of the calendar, as ISO 8601 writes them: 2024, 2024-05, 2024-05-31.
///
/// It is compared with clock times as a camera or a wall clock shows them, without a time zone.
public struct CalendarPeriod: Sendable, Hashable {
  /// The year, 1 to 9999.
  public let year: Int
  /// The month, 1 to 12; nil for the whole year.
  public let month: Int?
  /// The day of the month; nil for the whole month or year.
  public let day: Int?

  /// A period that exists; nil where there is none, as February 30.
  public init?(year: Int, month: Int? = nil, day: Int? = nil) {
    guard 1...9999 ~= year, month.map({ 1...12 ~= $0 }) ?? (day == nil) else { return nil }
    if let month, let day {
      guard 1...Self.length(of: month, in: year) ~= day else { return nil }
    }
    (self.year, self.month, self.day) = (year, month, day)
  }

  /// Reads YYYY, YYYY-MM or YYYY-MM-DD; nil for anything else.
  public init?(_ text: String) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard 1...3 ~= parts.count else { return nil }
    var numbers: [Int] = []
    for (part, digits) in zip(parts, [4, 2, 2]) {
      guard part.utf8.count == digits, part.utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
        let number = Int(part)
      else { return nil }
      numbers.append(number)
    }
    self.init(
      year: numbers[0], month: numbers.count > 1 ? numbers[1] : nil,
      day: numbers.count > 2 ? numbers[2] : nil)
  }

  /// The seconds from 1970-01-01 00:00 on, by the clock on the wall, at which the period begins and ends.
  var seconds: Range<Int64> {
    let first = Self.days(to: year, month ?? 1, day ?? 1)
    let next: Int64
    if day != nil {
      next = first + 1
    } else if let month {
      next = first + Int64(Self.length(of: month, in: year))
    } else {
      next = Self.days(to: year + 1, 1, 1)
    }
    return first * 86_400..<next * 86_400
  }

  /// The days from 1970-01-01 to a day of the Gregorian calendar. Years begin in March here, so that the
  /// leap day is a year's last.
  static func days(to year: Int, _ month: Int, _ day: Int) -> Int64 {
    let year = month <= 2 ? year - 1 : year
    let leapDays = year / 4 - year / 100 + year / 400
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return Int64(365 * year + leapDays + dayOfYear) - 719_468
  }

  private static func length(of month: Int, in year: Int) -> Int {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
  }
}

extension CalendarPeriod: CustomStringConvertible {
  /// As ISO 8601 writes it.
  public var description: String {
    func padded(_ number: Int, _ digits: Int) -> String {
      let text = "\(number)"
      return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
    return ([padded(year, 4)] + [month, day].compactMap { $0.map { padded($0, 2) } })
      .joined(separator: "-")
  }
}

extension CalendarPeriod {
  /// Whether the whole period lies before another one begins.
  public func isBefore(_ other: CalendarPeriod) -> Bool {
    seconds.upperBound <= other.seconds.lowerBound
  }
}
