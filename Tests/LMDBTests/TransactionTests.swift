import Glibc
import LMDB
import Synchronization
import TestSupport
import Testing

@Suite struct TransactionTests {
  private struct Rejection: Error {}

  private let environment: Environment
  private let numbers: Numbers

  init() throws {
    environment = try Environment(TemporaryFolder().path, access: .readWrite)
    numbers = try environment.write { try Numbers(opening: "numbers", in: $0, create: true) }
  }

  private func value(_ key: UInt64) throws -> UInt64? {
    try environment.read { try numbers.get(key, in: $0) }
  }

  @Test func changesAreVisibleToOthersOnlyAfterCommit() throws {
    try environment.write { transaction in
      try numbers.put(1, 10, in: transaction)
      #expect(try numbers.get(1, in: transaction) == 10)
      #expect(try value(1) == nil)
    }
    #expect(try value(1) == 10)
  }

  @Test func aThrowingClosureDiscardsItsChanges() throws {
    #expect(throws: Rejection.self) {
      try environment.write { transaction in
        try numbers.put(1, 10, in: transaction)
        throw Rejection()
      }
    }
    #expect(try value(1) == nil)
    try environment.write { try numbers.put(2, 20, in: $0) }
    #expect(try value(2) == 20)
  }

  @Test func anUncommittedTransactionIsDiscarded() throws {
    do {
      let transaction = try WriteTransaction(environment)
      try numbers.put(1, 10, in: transaction)
    }
    let aborted = try WriteTransaction(environment)
    try numbers.put(2, 10, in: aborted)
    aborted.abort()
    let committed = try WriteTransaction(environment)
    try numbers.put(3, 30, in: committed)
    try committed.commit()
    #expect(try (1...3).map(value) == [nil, nil, 30])
  }

  @Test func aSnapshotDoesNotChange() throws {
    try environment.write { try numbers.put(1, 10, in: $0) }
    try environment.read { snapshot in
      try environment.write { try numbers.put(1, 11, in: $0) }
      #expect(try numbers.get(1, in: snapshot) == 10)
    }
    #expect(try value(1) == 11)
  }

  @Test func aTableCreatedInAnAbortedTransactionDoesNotExist() throws {
    var kept: Numbers?
    #expect(throws: Rejection.self) {
      try environment.write { transaction in
        kept = try Numbers(opening: "other", in: transaction, create: true)
        throw Rejection()
      }
    }
    let table = try #require(kept)
    #expect(throws: LMDBError.self) { try environment.read { _ = try table.get(1, in: $0) } }
  }

  @Test func concurrentReadersSeeCompleteTransactions() async throws {
    try self.environment.write { transaction in
      for key in 0..<UInt64(2) { try self.numbers.put(key, 0, in: transaction) }
    }
    let (environment, numbers) = (self.environment, self.numbers)
    try await withThrowingTaskGroup { group in
      for _ in 0..<4 {
        group.addTask {
          for _ in 0..<25 {
            try environment.write { transaction in
              for key in 0..<UInt64(2) {
                let count = try #require(try numbers.get(key, in: transaction))
                try numbers.put(key, count + 1, in: transaction)
              }
            }
          }
        }
        group.addTask {
          for _ in 0..<200 {
            let pair = try environment.read { snapshot in
              try (numbers.get(0, in: snapshot), numbers.get(1, in: snapshot))
            }
            #expect(pair.0 == pair.1)
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try value(0) == 100)
  }

  @Test func aReadOnlyEnvironmentRefusesWrites() throws {
    let folder = try folderOfNumbers()
    let environment = try Environment(folder, access: .readOnly)
    #expect { try environment.write { _ in } } throws: { ResultCode.permissionDenied ~= $0 }
    #expect { try environment.read { _ = try Numbers(opening: "none", in: $0) } } throws: {
      ResultCode.notFound ~= $0 && "\($0)".contains("none")
    }
  }

  @Test func aNestedWriteTrapsInsteadOfDeadlocking() async {
    let folder = TemporaryFolder().path
    await #expect(processExitsWith: .failure) { [folder = folder as String] in
      let environment = try Environment(folder, access: .readWrite)
      try environment.write { _ in try environment.write { _ in } }
    }
  }

  @Test func aChangeWhileBytesAreBorrowedTraps() async {
    let folder = TemporaryFolder().path
    await #expect(processExitsWith: .failure) { [folder = folder as String] in
      let environment = try Environment(folder, access: .readWrite)
      try environment.write { transaction in
        let numbers = try Numbers(opening: "numbers", in: transaction, create: true)
        try numbers.put(1, 1, in: transaction)
        try numbers.forEach(in: transaction) { key, _ in
          try numbers.delete(key, in: transaction)
        }
        exit(0)
      }
    }
  }

  @Test func aTableOfAnotherEnvironmentTraps() async {
    let folders = [TemporaryFolder().path, TemporaryFolder().path]
    await #expect(processExitsWith: .failure) { [folders = folders as [String]] in
      let first = try Environment(folders[0], access: .readWrite)
      let second = try Environment(folders[1], access: .readWrite)
      let numbers = try first.write { try Numbers(opening: "numbers", in: $0, create: true) }
      try second.read { _ = try numbers.get(1, in: $0) }
      exit(0)
    }
  }
}
