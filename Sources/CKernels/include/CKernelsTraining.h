// What only training computes: gradients of single operations, losses, the optimiser's update. The
// bounds are checked by `Tensors`, the only caller.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A part of a matrix whose rows are `stride` apart.
struct kernel_block {
  size_t rows, columns, stride;
};

/// y = bias [columns] (+ addend, of the shape of y, if not null).
void kernel_begin(struct kernel_block block, const float *bias, const float *addend, float *y);

/// y = activation(y)
void kernel_activate(struct kernel_block block, enum kernel_activation activation, float *y);

/// Dropout: whether a number is dropped is a function of the key, the row and the column. It is
/// dropped with probability threshold / 2²⁴, otherwise multiplied by `scale`.
struct kernel_dropout {
  uint64_t key;
  uint32_t threshold;
  float scale;
};

/// Drops numbers of x [rows, columns] in place; its first row is row `first_row` for the dropout.
void kernel_drop(float *x, size_t first_row, size_t rows, size_t columns,
                 struct kernel_dropout dropout);

/// dy becomes dy · gelu′(x).
void kernel_gelu_backward(const float *x, float *dy, size_t count);

/// Adds the gradient of a depthwise convolution's weights to d_weights [kernel, kernel, channels], for
/// its first `count` channels: x [height, width, channels] is its input, and dy
/// [output_height, output_width, channels] the gradient of its output.
void kernel_depthwise_backward(struct kernel_convolution shape, const float *x, const float *dy,
                               size_t count, float *d_weights);

/// The gradients of a layer norm with the input x. dx is overwritten, or added to; the other two are
/// added to.
void kernel_layer_norm_backward(const float *dy, const float *x, const float *weight,
                                float epsilon, bool accumulates, float *dx, float *d_weight,
                                float *d_bias, size_t rows, size_t columns);

/// sums [columns] += the sums of the columns of x [rows, columns], whose rows are `stride` apart.
void kernel_sum_columns(const float *x, size_t stride, size_t rows, size_t columns, float *sums);

/// The cross entropy of a row of logits, which are replaced by scale · their gradient. The target
/// distribution is 1 − smoothing on the class `target`, and smoothing spread evenly over all classes.
double kernel_cross_entropy(float *logits, size_t columns, size_t target, float smoothing,
                            float scale);

/// The same for any target distribution.
double kernel_soft_cross_entropy(float *logits, const float *targets, size_t columns, float scale);

/// One step of AdamW, for every parameter p with the gradient g:
/// m ← β₁m + (1 − β₁)sg,  v ← β₂v + (1 − β₂)(sg)²,  p ← decay · p − rate · m / (√(v · correction) + ε)
struct kernel_adamw {
  float beta1, beta2, gradient_scale, decay, rate, correction, epsilon;
};

void kernel_adamw(float *p, const float *g, float *m, float *v, size_t count,
                  struct kernel_adamw step);

/// p = keeping · p + (1 − keeping) · q
void kernel_average(float *p, const float *q, size_t count, float keeping);

/// What training adds to an attention: a causal mask and dropout of the probabilities.
struct kernel_attention_training {
  /// Query i attends to keys 0…(keys − queries + i) only.
  bool causal;
  struct kernel_dropout dropout;
  /// The queries' rows for the dropout: the first, and the distance between two.
  size_t first_row, row_stride;
};

/// The scratch memory, in floats, that the next two functions need.
size_t kernel_attention_training_scratch(size_t keys, size_t size);

/// `kernel_attend` with a causal mask and dropout.
void kernel_attend_training(struct kernel_attention attention,
                            struct kernel_attention_training training, float *scratch);

/// The gradients of the queries, keys and values of one head, each added to what is there. The
/// attention's context is not read.
struct kernel_attention_gradient {
  const float *d_context;
  size_t d_context_stride;
  float *dq, *dk, *dv;
  size_t dq_stride, dk_stride, dv_stride;
};

void kernel_attend_backward(struct kernel_attention attention,
                            struct kernel_attention_training training,
                            struct kernel_attention_gradient gradient, float *scratch);
