internal import LMDB

/// Why an index, a collection or a query could not be used; the text names the file or the index
/// and says what to do.
public struct RetrievalError: Error, Equatable, CustomStringConvertible {
  /// One line.
  public let description: String

  /// An error of one line.
  public init(_ description: String) { self.description = description }

  /// An index whose tables do not hold what they must.
  package static func damaged(_ index: String, _ reason: String) -> RetrievalError {
    RetrievalError("\(index): the index is damaged (\(reason)); delete the folder and index again")
  }
}

/// Runs `body`; whatever it throws becomes a `RetrievalError`.
package func asRetrievalError<Result: ~Copyable>(_ body: () throws -> Result) throws(RetrievalError)
  -> Result
{
  do {
    return try body()
  } catch let error as RetrievalError {
    throw error
  } catch {
    throw RetrievalError("\(error)")
  }
}

/// Runs `body`; what LMDB refuses becomes a `RetrievalError`, other errors pass as they are.
package func translatingStoreErrors<Result: ~Copyable>(_ body: () throws -> Result) throws -> Result
{
  do {
    return try body()
  } catch let error as LMDBError {
    throw RetrievalError(error.description)
  }
}
