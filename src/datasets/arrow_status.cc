#include "datasets/arrow_status.h"

#include <parquet/exception.h>

#include "base/text.h"

namespace hearth::datasets {
namespace {

Code code_of(arrow::StatusCode code) {
  switch (code) {
    case arrow::StatusCode::OutOfMemory:
    case arrow::StatusCode::CapacityError:
      return Code::too_large;
    case arrow::StatusCode::IOError:
      return Code::io;
    case arrow::StatusCode::NotImplemented:
      return Code::unsupported;
    case arrow::StatusCode::Cancelled:
      return Code::cancelled;
    case arrow::StatusCode::UnknownError:
      return Code::internal;
    default:
      return Code::bad_input;  // Invalid, TypeError, KeyError, IndexError, SerializationError: what the file says
  }
}

}  // namespace

Status from_arrow(const arrow::Status& status) {
  if (status.ok()) return {};
  return Status(code_of(status.code()), utf8_replace_errors(status.message()));
}

Status from_arrow_exception(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error))
    return Status(Code::too_large, "the file asks for more memory than there is");
  // Parquet throws on files that are not what they say; some of its exceptions carry an arrow::Status.
  if (const auto* carrier = dynamic_cast<const parquet::ParquetStatusException*>(&error))
    return from_arrow(carrier->status());
  if (dynamic_cast<const parquet::ParquetException*>(&error))
    return Status(Code::bad_input, utf8_replace_errors(error.what()));
  return Status(Code::internal, utf8_replace_errors(error.what()));
}

}  // namespace hearth::datasets
