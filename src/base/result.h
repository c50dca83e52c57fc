// Status, Result<T> and TRY: how expected failures travel (bad input, absent, forbidden, disk, network).
// Bugs abort through VERIFY; tensor code throws (style, section 3).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/code.h"

namespace hearth {

/// Success, or a code with a message that says what was asked, what was found and what to do. One pointer; null is ok.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message) : rep_(std::make_unique<Rep>(Rep{code, std::move(message)})) {}

  bool ok() const { return rep_ == nullptr; }
  Code code() const { return rep_ ? rep_->code : Code::ok; }
  const std::string& message() const;
  /// The same failure with a context in front: "README.md: ...".
  Status with(std::string_view context) &&;
  Status clone() const { return rep_ ? Status(rep_->code, rep_->message) : Status(); }

 private:
  struct Rep {
    Code code;
    std::string message;
  };
  std::unique_ptr<Rep> rep_;
};

/// A T, or the Status that says why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}          // NOLINT(google-explicit-constructor)
  Result(Status status) : status_(std::move(status)) {}  // NOLINT(google-explicit-constructor)
  template <class U>
  requires(std::is_convertible_v<U&&, T> && !std::is_same_v<std::remove_cvref_t<U>, Status> &&
           !std::is_same_v<std::remove_cvref_t<U>, T> && !std::is_same_v<std::remove_cvref_t<U>, Result<T>>)
      Result(U&& value)  // NOLINT(google-explicit-constructor,bugprone-forwarding-reference-overload): constrained
      : value_(std::forward<U>(value)) {}

  bool ok() const { return value_.has_value(); }
  T& value() & { return *value_; }
  const T& value() const& { return *value_; }
  T&& value() && { return *std::move(value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return *std::move(value_); }
  const Status& status() const& { return status_; }
  Status status() && { return std::move(status_); }
  T value_or(T otherwise) && { return value_ ? *std::move(value_) : std::move(otherwise); }

 private:
  std::optional<T> value_;
  Status status_;
};

[[noreturn]] void verify_failed(const char* condition, const char* belief, const char* file, int line);

namespace detail {
inline void take(Status&&) {}
template <class T>
T take(Result<T>&& result) {
  return std::move(result).value();
}
inline Status to_status(Status&& status) {
  return std::move(status);
}
template <class T>
Status to_status(Result<T>&& result) {
  return std::move(result).status();
}
}  // namespace detail

}  // namespace hearth

// NOLINTBEGIN(bugprone-macro-parentheses): `name` is a declaration
#define HEARTH_TRY_(name, expression)                                    \
  ({                                                                     \
    auto name = (expression);                                            \
    if (!name.ok()) return ::hearth::detail::to_status(std::move(name)); \
    ::hearth::detail::take(std::move(name));                             \
  })
// NOLINTEND(bugprone-macro-parentheses)
#define HEARTH_TRY_NAME_(counter, expression) HEARTH_TRY_(try_result_##counter, expression)
#define HEARTH_TRY_COUNT_(counter, expression) HEARTH_TRY_NAME_(counter, expression)
/// The value of a Result (or nothing of a Status); a failure is returned from the enclosing function.
#define TRY(expression) HEARTH_TRY_COUNT_(__COUNTER__, expression)

/// A belief whose failure is a bug in Hearth: aborts with a stack.
#define VERIFY(condition, belief) \
  ((condition) ? static_cast<void>(0) : ::hearth::verify_failed(#condition, belief, __FILE__, __LINE__))
#ifdef NDEBUG
#define DVERIFY(condition, belief) static_cast<void>(0)
#else
#define DVERIFY(condition, belief) VERIFY(condition, belief)
#endif
