// What the files of the module share: errors, and how Python's objects are read and made without copies.
#pragma once

#include <nanobind/nanobind.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tokenizers/editable_tokenizer.h"

namespace hearth::python {

namespace nb = nanobind;

[[noreturn]] inline void raise(PyObject* type, const std::string& message) {
  PyErr_SetString(type, message.c_str());
  throw nb::python_error();
}

/// The original raises plain `Exception` where its Rust code fails.
inline void check(const Status& status) {
  if (!status.ok()) raise(PyExc_Exception, status.message());
}
template <class T>
T check(Result<T> result) {
  if (!result.ok()) raise(PyExc_Exception, result.status().message());
  return *std::move(result);
}

/// The letters of a str, which it keeps as long as it lives; nothing for another type or a lone surrogate.
inline std::optional<std::string_view> letters(nb::handle text) {
  if (!PyUnicode_Check(text.ptr())) return std::nullopt;
  Py_ssize_t size = 0;
  const char* data = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
  if (data == nullptr) {
    PyErr_Clear();
    return std::nullopt;
  }
  return std::string_view(data, static_cast<size_t>(size));
}

inline nb::object to_str(std::string_view text) {
  return nb::steal(PyUnicode_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size())));
}
inline nb::object to_int(int64_t value) {
  return nb::steal(PyLong_FromLongLong(value));
}
inline nb::object span_tuple(int64_t begin, int64_t end) {
  PyObject* out = PyTuple_New(2);
  PyTuple_SET_ITEM(out, 0, PyLong_FromLongLong(begin));
  PyTuple_SET_ITEM(out, 1, PyLong_FromLongLong(end));
  return nb::steal(out);
}

/// A list of `size` elements, each as make(i) gives it.
template <class Make>
nb::object make_list(size_t size, const Make& make) {
  PyObject* out = PyList_New(static_cast<Py_ssize_t>(size));
  if (out == nullptr) throw nb::python_error();
  nb::object list = nb::steal(out);
  for (size_t i = 0; i < size; ++i) PyList_SET_ITEM(out, static_cast<Py_ssize_t>(i), make(i).release().ptr());
  return list;
}

/// An unsigned number of 32 bits, with Python's own errors for what is none.
inline uint32_t read_u32(nb::handle number) {
  nb::object index = nb::steal(PyNumber_Index(number.ptr()));
  if (!index.is_valid()) throw nb::python_error();
  const long long value = PyLong_AsLongLong(index.ptr());
  if (value == -1 && PyErr_Occurred()) throw nb::python_error();
  if (value < 0) raise(PyExc_OverflowError, "can't convert negative int to unsigned");
  if (value > 0xFFFFFFFFLL) raise(PyExc_OverflowError, "out of range integral type conversion attempted");
  return static_cast<uint32_t>(value);
}

/// Ids of a sequence. What no tokenizer has becomes -1.
inline std::vector<TokenId> read_ids(nb::handle sequence) {
  if (PyUnicode_Check(sequence.ptr())) raise(PyExc_TypeError, "Can't extract `str` to `Vec`");
  nb::object list = nb::steal(PySequence_Fast(sequence.ptr(), "the ids are not a sequence of int"));
  if (!list.is_valid()) throw nb::python_error();
  const Py_ssize_t size = PySequence_Fast_GET_SIZE(list.ptr());
  std::vector<TokenId> out(static_cast<size_t>(size));
  for (Py_ssize_t i = 0; i < size; ++i) {
    const uint32_t id = read_u32(PySequence_Fast_GET_ITEM(list.ptr(), i));
    out[static_cast<size_t>(i)] = id > INT32_MAX ? -1 : static_cast<TokenId>(id);
  }
  return out;
}

inline Side read_side(std::string_view direction, const std::string& message) {
  if (direction == "left") return Side::left;
  if (direction != "right") raise(PyExc_ValueError, message);
  return Side::right;
}

}  // namespace hearth::python
