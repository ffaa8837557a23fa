// The vectors of one build of kernel_bodies.h, `lanes` floats each.

typedef float vec __attribute__((vector_size(4 * lanes)));
typedef float unaligned_vec __attribute__((vector_size(4 * lanes), aligned(4)));
typedef int32_t int_vec __attribute__((vector_size(4 * lanes)));
typedef uint32_t uint_vec __attribute__((vector_size(4 * lanes)));
typedef uint8_t byte_vec __attribute__((vector_size(lanes), aligned(1)));
