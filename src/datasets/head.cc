#include "datasets/head.h"

#include <arrow/api.h>
#include <arrow/csv/api.h>
#include <arrow/io/api.h>
#include <arrow/ipc/api.h>
#include <arrow/json/api.h>
#include <parquet/arrow/reader.h>

#include <algorithm>

#include "base/files.h"
#include "base/text.h"
#include "datasets/arrow_status.h"
#include "datasets/values.h"

namespace hearth::datasets {
namespace {

using Reader = std::shared_ptr<arrow::RecordBatchReader>;

struct Opened {
  Reader reader;
  std::shared_ptr<void> owner;  ///< what the reader borrows from; dropped after it
  std::optional<int64_t> rows_total;
};

Result<std::shared_ptr<arrow::io::RandomAccessFile>> open_file(const std::string& path) {
  return std::shared_ptr<arrow::io::RandomAccessFile>(TRY(from_arrow(arrow::io::ReadableFile::Open(path))));
}

Result<Opened> open_parquet(const std::string& path, int64_t rows) {
  parquet::arrow::FileReaderBuilder builder;
  TRY(from_arrow(builder.Open(TRY(open_file(path)))));
  parquet::ArrowReaderProperties properties;
  properties.set_batch_size(std::max<int64_t>(rows, 1));
  properties.set_pre_buffer(false);
  std::shared_ptr<parquet::arrow::FileReader> file = TRY(from_arrow(builder.properties(properties)->Build()));
  Reader reader = TRY(from_arrow(file->GetRecordBatchReader()));
  return Opened{std::move(reader), file, file->parquet_reader()->metadata()->num_rows()};
}

Result<Opened> open_csv(const std::string& path, char delimiter) {
  auto parse = arrow::csv::ParseOptions::Defaults();
  parse.delimiter = delimiter;
  parse.newlines_in_values = true;
  return Opened{TRY(from_arrow(arrow::csv::StreamingReader::Make(arrow::io::default_io_context(), TRY(open_file(path)),
                                                                 arrow::csv::ReadOptions::Defaults(), parse,
                                                                 arrow::csv::ConvertOptions::Defaults()))),
                nullptr,
                {}};
}

Result<Opened> open_json(const std::string& path) {
  return Opened{
      TRY(from_arrow(arrow::json::StreamingReader::Make(TRY(open_file(path)), arrow::json::ReadOptions::Defaults(),
                                                        arrow::json::ParseOptions::Defaults()))),
      nullptr,
      {}};
}

/// datasets writes its cache as an Arrow stream.
Result<Opened> open_arrow(const std::string& path) {
  return Opened{TRY(from_arrow(arrow::ipc::RecordBatchStreamReader::Open(TRY(open_file(path))))), nullptr, {}};
}

enum class Format { parquet, csv, tsv, json_lines, arrow_stream };

Result<Format> format_of(std::string_view path) {
  constexpr std::pair<std::string_view, Format> ends[] = {
      {".parquet", Format::parquet},    {".csv", Format::csv},           {".tsv", Format::tsv},
      {".jsonl", Format::json_lines},   {".ndjson", Format::json_lines}, {".json", Format::json_lines},
      {".arrow", Format::arrow_stream},
  };
  const auto lower = to_lower_ascii(path);
  for (const auto& [end, format] : ends)
    if (lower.ends_with(end)) return format;
  return Status(Code::bad_input,
                cat(path, " ends in no known way (.parquet, .csv, .tsv, .jsonl, .ndjson, .json, .arrow)"));
}

Result<Opened> open(const std::string& path, Format format, int64_t rows) {
  switch (format) {
    case Format::parquet:
      return open_parquet(path, rows);
    case Format::csv:
      return open_csv(path, ',');
    case Format::tsv:
      return open_csv(path, '\t');
    case Format::json_lines:
      return open_json(path);
    case Format::arrow_stream:
      break;
  }
  return open_arrow(path);
}

Result<Head> read(const std::string& path, Format format, int64_t rows) {
  const auto opened = TRY(open(path, format, rows));
  Head out;
  out.rows_total = opened.rows_total;
  for (const auto& field : opened.reader->schema()->fields())
    out.columns.push_back({utf8_replace_errors(field->name()), utf8_replace_errors(field->type()->ToString())});
  while (static_cast<int64_t>(out.rows.size()) < rows) {
    std::shared_ptr<arrow::RecordBatch> batch;
    TRY(from_arrow(opened.reader->ReadNext(&batch)));
    if (!batch) break;
    // Offsets and lengths inside a file are hostile until Arrow has checked them.
    TRY(from_arrow(batch->ValidateFull()));
    const auto count = std::min(batch->num_rows(), rows - static_cast<int64_t>(out.rows.size()));
    for (int64_t row = 0; row < count; ++row) {
      auto& line = out.rows.emplace_back();
      for (const auto& column : batch->columns()) line.push_back(value_json(*column, row));
    }
  }
  return out;
}

}  // namespace

Result<Head> read_head(const std::string& path, int64_t rows) {
  const auto format = TRY(format_of(path));
  TRY(open_read(path));  // absent and forbidden files in our own words
  auto out = guard_arrow([&] { return read(path, format, rows); });
  if (!out.ok()) return std::move(out).status().with(path);
  return out;
}

}  // namespace hearth::datasets
