public import BLIP
internal import Files
package import LMDB

/// Why an index, a collection or a query could not be used.
///
/// ```swift
/// do {
///   let index = try await PictureIndex.open(path)
///   …
/// } catch where error.code == .noIndex {
///   // Build one with PictureIndex.create(at:) and update(from:).
/// }
/// ```
public struct RetrievalError: Error, Equatable, CustomStringConvertible {
  /// What kind of error it is, for a program to act on.
  public enum Code: Sendable, Hashable {
    /// The index was closed by ``PictureIndex/close()``.
    case closed
    /// The index directory is open already, in this process or exclusively in another one.
    case alreadyOpen
    /// There is no index in the directory yet.
    case noIndex
    /// An index exists where one was to be created.
    case indexExists
    /// The path is not one of a directory that an index could be in.
    case invalidIndexPath
    /// The directory has other contents and no index.
    case notAnIndex
    /// The index would be on a network file system, where locks of other machines are not seen.
    case networkFileSystem
    /// The index is damaged.
    case damaged
    /// The index is damaged and has to be repaired first (``PictureIndex/repair(at:waiting:)``).
    case needsRepair
    /// The index is damaged, and nothing of it can be recovered.
    case beyondRepair
    /// The index has a format that this version does not read.
    case unknownFormat
    /// The vector index has to be rebuilt (``IndexingOptions/rebuildsVectors``).
    case damagedVectors
    /// The index, or the export, was made with another model.
    case modelMismatch
    /// The index stores embeddings of this precision, and another one was asked for.
    case precisionMismatch(Precision)
    /// The index stores patch features in this format, and another one was asked for.
    case featuresMismatch(FeaturePrecision)
    /// The index was made for embeddings or pictures of another size.
    case sizeMismatch
    /// The model cannot be loaded, or lacks what is needed.
    case unusableModel
    /// The index holds no texts to match.
    case noTexts
    /// The query or the list of texts is empty.
    case emptyQuery
    /// The terms of a query, or their weights, are not ones that can be searched for.
    case invalidQuery
    /// An option is out of its range or does not apply.
    case invalidOption
    /// The index holds no pictures under one of ``PictureFilter/folders``.
    case folderNotFound
    /// The index holds no picture of this number.
    case noSuchPicture
    /// A picture cannot be read or decoded.
    case unreadablePicture
    /// The collection cannot be read.
    case unreadableCollection
    /// The collection holds no pictures.
    case noPictures
    /// Most of the index's pictures are not in the collection, which may be the wrong one.
    case collectionMismatch
    /// Most pictures are gone (``IndexingOptions/allowsVanished``).
    case mostPicturesMissing
    /// An import needs the folder of the pictures.
    case unknownCollection
    /// Embeddings to import are not of the model's size.
    case foreignEmbeddings
    /// An import needs an empty index.
    case indexNotEmpty
    /// The process may not have the memory that is needed.
    case insufficientMemory
    /// Text in pictures cannot be read on this machine (``IndexingOptions/readsText``).
    case textNotReadable
    /// Anything else; the description says what.
    case other
  }

  /// What kind of error it is.
  public let code: Code
  /// One line that names the file or the index, and says what to do.
  public let description: String

  /// An error of one line.
  package init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }

  /// An error of one line that no program acts on.
  package init(_ description: String) { self.init(.other, description) }

  /// An index whose tables do not hold what they must.
  package static func damaged(_ index: String, _ reason: String) -> RetrievalError {
    RetrievalError(.damaged, "\(index): the index is damaged (\(reason)); repair it")
  }
}

extension RetrievalError {
  /// What LMDB refuses.
  package init(_ error: LMDBError) {
    let code: Code =
      switch error.code {
      case .busy: .alreadyOpen
      case .corrupted, .pageNotFound, .badValueSize, .invalid: .needsRepair
      default: .other
      }
    self.init(code, error.description)
  }
}

/// Runs `body`; whatever it throws becomes a `RetrievalError`.
package func asRetrievalError<Result: ~Copyable>(
  _ code: RetrievalError.Code = .other, _ body: () throws -> Result
) throws(RetrievalError) -> Result {
  do {
    return try body()
  } catch let error as RetrievalError {
    throw error
  } catch let error as LMDBError {
    throw RetrievalError(error)
  } catch let error as ResourceError {
    throw RetrievalError(.insufficientMemory, error.description)
  } catch {
    throw RetrievalError(code, "\(error)")
  }
}

/// Runs `body`; what LMDB refuses becomes a `RetrievalError`, other errors pass as they are.
package func translatingStoreErrors<Result: ~Copyable>(_ body: () throws -> Result) throws -> Result
{
  do {
    return try body()
  } catch let error as LMDBError {
    throw RetrievalError(error)
  }
}
