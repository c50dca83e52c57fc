// The one place where Arrow's and Parquet's failures, returned or thrown, become ours. Private to datasets/.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <exception>
#include <new>
#include <utility>

#include "base/result.h"

namespace hearth::datasets {

/// The same failure under our codes, with Arrow's own words.
Status from_arrow(const arrow::Status& status);

template <class T>
Result<T> from_arrow(arrow::Result<T> result) {
  if (!result.ok()) return from_arrow(result.status());
  return std::move(result).ValueUnsafe();
}

/// A thrown failure of Arrow or Parquet (ParquetException and kin) under our codes.
Status from_arrow_exception(const std::exception& error);

/// Runs `body`, which returns a Status or Result, and turns what it throws into a Status.
template <class Body>
auto guard_arrow(Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::exception& error) {
    return from_arrow_exception(error);
  }
}

}  // namespace hearth::datasets
