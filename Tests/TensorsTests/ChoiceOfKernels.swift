import TestSupport
import Testing

/// The suites that choose the kernels or the number of threads, which is the whole process's choice:
/// some compare two runs bit by bit.
@Suite(.ownsProcess) enum ChoiceOfKernels {}
