import Testing

/// The suites that choose the kernels or the number of threads. The choice is the whole process's, so
/// they run one after the other: some compare two runs bit by bit.
@Suite(.serialized) enum ChoiceOfKernels {}
