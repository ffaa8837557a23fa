import Glibc

/// The reader to fuzz and its folder for files (BLIP_FUZZ=picture, BLIP_FUZZ_FOLDER).
private let (reader, folder): (Reader, String) = {
  guard let name = getenv("BLIP_FUZZ").map({ String(cString: $0) }),
    let reader = Reader(rawValue: name), let folder = getenv("BLIP_FUZZ_FOLDER")
  else {
    let names = Reader.allCases.map(\.rawValue).joined(separator: ", ")
    fatalError("set BLIP_FUZZ to one of \(names), and BLIP_FUZZ_FOLDER")
  }
  return (reader, String(cString: folder))
}()

/// The function that libFuzzer calls with every input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let input = Array(UnsafeBufferPointer(start: bytes, count: count))
  try? reader.read(input, in: folder)
  return 0
}
