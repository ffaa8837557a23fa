import Glibc
import TestSupport
import Testing

@testable import Tensors

private let old = Processor(name: "", hasAVX2: false, hasAVX512: false)
private let middle = Processor(name: "", hasAVX2: true, hasAVX512: false)
private let new = Processor(name: "", hasAVX2: true, hasAVX512: true)

@Suite("The core type of OpenBLAS")
struct CoreTypeTests {
  @Test(
    "A better one than OpenBLAS's own choice, where there is one",
    arguments: [
      (new, "Prescott", ["SkylakeX", "Haswell"]), (new, "Nehalem", ["SkylakeX", "Haswell"]),
      (new, "Haswell", ["SkylakeX"]), (new, "Zen", ["SkylakeX"]),
      (new, "SkylakeX", []), (new, "Cooperlake", []), (new, "SapphireRapids", []),
      (middle, "Prescott", ["Haswell"]), (middle, "Sandybridge", ["Haswell"]),
      (middle, "Haswell", []), (middle, "Zen", []), (middle, "Excavator", []),
      (old, "Prescott", []), (old, "Sandybridge", []),
      // Of another architecture, or of a later version.
      (new, "neoversen1", []), (new, "DiamondRapids", []), (new, "", []),
    ])
  func better(processor: Processor, choice: String, names: [String]) {
    #expect(CoreType.better(than: choice, on: processor) == names)
  }
}

private let nothing: ProductKernel = { _, _, _, _ in }

/// Stands for an installed OpenBLAS: what it chooses by itself, which kernels it has, and which of
/// them compute wrong results.
private final class Installation {
  let choice: String
  let has: Set<String>
  let wrong: Set<String>
  var isInstalled = true
  private(set) var loads: [String?] = []

  init(
    choosing choice: String, has: Set<String> = ["SkylakeX", "Haswell"], wrong: Set<String> = []
  ) {
    self.choice = choice
    self.has = has
    self.wrong = wrong
  }

  func load(_ coreType: String?) -> OpenBLAS? {
    loads.append(coreType)
    guard isInstalled else { return nil }
    let name = coreType.flatMap { has.contains($0) ? $0 : nil } ?? choice
    let multiply: ProductKernel = wrong.contains(name) ? nothing : multiplyByOwnKernels
    return OpenBLAS(version: "0.3", coreType: name, multiply: multiply, unload: {})
  }

  func chosen(on processor: Processor, user: String? = nil) -> ChosenMatrixKernel {
    .choose(on: processor, coreTypeOfUser: user, load: load)
  }
}

private func openBLAS(_ coreType: String, _ chooser: MatrixKernels.Chooser) -> MatrixKernels {
  .openBLAS(version: "0.3", coreType: coreType, chosenBy: chooser)
}

@Suite("The kernel that multiplies matrices")
struct MatrixKernelTests {
  @Test("OpenBLAS's own choice, where none is better")
  func ownChoice() {
    let installation = Installation(choosing: "Haswell")
    #expect(installation.chosen(on: middle).kernels == openBLAS("Haswell", .openBLAS))
    #expect(installation.loads == [nil])
  }

  @Test("A better core type instead")
  func better() {
    let installation = Installation(choosing: "Prescott")
    let chosen = installation.chosen(on: new)
    #expect(chosen.kernels == openBLAS("SkylakeX", .blip(insteadOf: "Prescott")))
    #expect(installation.loads == [nil, "SkylakeX"] && chosen.wrong.isEmpty)
  }

  @Test("The next best, where OpenBLAS was built without the best")
  func notBuilt() {
    let installation = Installation(choosing: "Prescott", has: ["Haswell"])
    #expect(
      installation.chosen(on: new).kernels == openBLAS("Haswell", .blip(insteadOf: "Prescott")))
    let single = Installation(choosing: "Prescott", has: [])
    #expect(single.chosen(on: new).kernels == openBLAS("Prescott", .openBLAS))
  }

  @Test("The user's core type, however slow")
  func user() {
    let installation = Installation(choosing: "Prescott")
    #expect(
      installation.chosen(on: new, user: "Prescott").kernels == openBLAS("Prescott", .user))
    #expect(installation.loads == [nil])
  }

  @Test("A core type that computes wrong results is passed over, with a warning")
  func wrong() throws {
    let installation = Installation(choosing: "Prescott", wrong: ["SkylakeX"])
    let chosen = installation.chosen(on: new)
    #expect(chosen.kernels == openBLAS("Haswell", .blip(insteadOf: "Prescott")))
    #expect(chosen.wrong == ["SkylakeX"])
    let report = ComputeReport(
      processor: new, kernels: .best, matrixKernels: chosen.kernels, wrongCoreTypes: chosen.wrong,
      threads: 1)
    let warning = try #require(report.warning)
    #expect(warning.contains("SkylakeX") && warning.contains("Haswell"))
    #expect(!warning.contains("\n"))
  }

  @Test("blip's own kernels, where all of OpenBLAS's compute wrong results or there is none")
  func own() {
    let wrong: Set = ["SkylakeX", "Haswell", "Prescott"]
    let chosen = Installation(choosing: "Prescott", wrong: wrong).chosen(on: new)
    #expect(chosen.kernels == .own(.wrongResults))
    #expect(chosen.wrong == ["SkylakeX", "Haswell", "Prescott"])
    #expect(computesCorrectly(chosen.multiply))

    let user = Installation(choosing: "Prescott", wrong: wrong).chosen(on: new, user: "Prescott")
    #expect(user.kernels == .own(.wrongResults) && user.wrong == ["Prescott"])

    let absent = Installation(choosing: "Prescott")
    absent.isInstalled = false
    #expect(absent.chosen(on: new).kernels == .own(.notInstalled))
  }
}

@Suite("The check of a kernel")
struct ProductCheckTests {
  @Test func ownKernelsOfNothing() {
    var c = Matrix(rows: 2, columns: 2, values: [.nan, .nan, .nan, .nan])
    c.withMutablePointer { c in
      Matrix(rows: 2, columns: 0).withPointer {
        multiplyByOwnKernels(
          MatrixProduct(rows: 2, columns: 2, depth: 0), Block($0, 0), Block($0, 2), Block(c, 2))
      }
    }
    #expect(c.values == [0, 0, 0, 0])
  }

  @Test func rightKernelsPass() {
    #expect(computesCorrectly(multiplyByOwnKernels))
    #expect(computesCorrectly(ChosenMatrixKernel.shared.multiply))
  }

  /// Each wrong in one way only.
  @Test func wrongKernelsFail() {
    let right: ProductKernel = { product, a, b, c in
      guard product.rows > 0, product.columns > 0 else { return }
      multiplyByOwnKernels(product, a, b, c)
    }
    /// Takes a matrix as it is stored, as far as that reads no memory which is not the matrix's.
    func notTransposing(
      _ flag: any WritableKeyPath<MatrixProduct, Bool> & Sendable,
      _ side: any WritableKeyPath<MatrixProduct, Int> & Sendable
    ) -> ProductKernel {
      { product, a, b, c in
        guard product[keyPath: flag] else { return right(product, a, b, c) }
        let least = min(product[keyPath: side], product.depth)
        let change = product.with {
          $0[keyPath: flag] = false
          $0[keyPath: side] = least
          $0.depth = least
        }
        right(change, a, b, c)
      }
    }
    let wrong: [(String, ProductKernel)] = [
      ("does nothing", nothing),
      ("does not transpose a", notTransposing(\.transposesA, \.rows)),
      ("does not transpose b", notTransposing(\.transposesB, \.columns)),
      ("does not scale", { right($0.with { $0.scale = 1 }, $1, $2, $3) }),
      ("does not add", { right($0.with { $0.accumulates = false }, $1, $2, $3) }),
      ("adds what was there", { right($0.with { $0.accumulates = true }, $1, $2, $3) }),
      ("leaves out the last of the depth", { right($0.with { $0.depth -= 1 }, $1, $2, $3) }),
      ("leaves out the last row", { right($0.with { $0.rows -= 1 }, $1, $2, $3) }),
      ("leaves out the last column", { right($0.with { $0.columns -= 1 }, $1, $2, $3) }),
      (
        "errs in the last column of large products",
        { product, a, b, c in
          right(product, a, b, c)
          guard product.rows * product.columns * product.depth > 1_000_000 else { return }
          for row in 0..<product.rows { c.start[row * c.stride + product.columns - 1] += 0.01 }
        }
      ),
      (
        "writes behind a row",
        { product, a, b, c in
          right(product, a, b, c)
          c.start[product.columns] = 0
        }
      ),
    ]
    for (name, kernel) in wrong { #expect(!computesCorrectly(kernel), "\(name)") }
  }
}

extension MatrixProduct {
  fileprivate func with(_ change: (inout Self) -> Void) -> Self {
    var product = self
    change(&product)
    return product
  }
}

/// Core types are chosen once in a process, so each of these runs in one of its own.
@Suite("Products by OpenBLAS's core types")
struct CoreTypeProductTests {
  @Test(
    "The user's core type is used, and computes right results",
    arguments: ["Prescott", "Nehalem", "Haswell", "SkylakeX", "Cooperlake"])
  func user(coreType: String) async {
    guard isSupported(coreType) else { return }
    await #expect(processExitsWith: .success) { [coreType = coreType as String] in
      setenv("OPENBLAS_CORETYPE", coreType, 1)
      productsAreRight()
      #expect(coreTypeInUse() == coreType)
      #expect(getenv("OPENBLAS_CORETYPE").map { String(cString: $0) } == coreType)
    }
  }

  @Test("Without one, the kernels use what the processor has; the environment stays as it was")
  func chosen() async {
    await #expect(processExitsWith: .success) {
      unsetenv("OPENBLAS_CORETYPE")
      unsetenv("OPENBLAS_NUM_THREADS")
      productsAreRight()
      if let name = coreTypeInUse() {
        #expect(CoreType.better(than: name, on: .current).isEmpty, "\(name)")
      }
      #expect(getenv("OPENBLAS_CORETYPE") == nil && getenv("OPENBLAS_NUM_THREADS") == nil)
    }
  }

  @Test("An OpenBLAS that the program uses itself is left alone")
  func usedByProgram() async {
    await #expect(processExitsWith: .success) {
      guard dlopen("libopenblas.so.0", RTLD_NOW) != nil else { return }
      productsAreRight()
      #expect(ComputeReport.current.matrixKernels == .own(.usedByProgram))
    }
  }

  @Test("Only a product loads OpenBLAS")
  func loadedLate() async {
    await #expect(processExitsWith: .success) {
      let layer = LayerNorm(width: 8, epsilon: 1e-6)
      _ = (layer, dot([1, 2], [3, 4]))
      #expect(!OpenBLAS.isLoaded)
    }
  }

  /// Whether the processor has the instructions that it needs.
  private func isSupported(_ coreType: String) -> Bool {
    switch coreType {
    case "SkylakeX", "Cooperlake": Processor.current.hasAVX512
    case "Haswell": Processor.current.hasAVX2
    default: KernelBuild.best != .portable
    }
  }
}

/// The core type that OpenBLAS uses; nil where it is not used.
private func coreTypeInUse() -> String? {
  guard case .openBLAS(_, let coreType, _) = ComputeReport.current.matrixKernels else { return nil }
  return coreType
}

/// Compares products large and small with sums in double precision.
private func productsAreRight() {
  for (rows, columns, depth) in [(3, 4, 5), (130, 70, 200)] {
    var numbers = SplitMix64(seed: 7)
    let (a, b) = (numbers.matrix(rows, depth), numbers.matrix(columns, depth))
    var c = Matrix()
    multiply(a, by: b, transposed: true, into: &c)
    let exact = (0..<rows * columns).map { place -> Double in
      let (row, column) = (place / columns, place % columns)
      var sum = 0.0
      for i in 0..<depth {
        sum += Double(a.values[row * depth + i]) * Double(b.values[column * depth + i])
      }
      return sum
    }
    #expect(largestError(c.values, exact) < 1e-4)
  }
}
