// The lists and errors that an S3 store answers, and the names of objects in them.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "store/blobs/s3_xml.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hearth::store;
  const std::string_view xml(reinterpret_cast<const char*>(data), size);
  for (const std::string_view name : {"Contents", "Upload", "Error", ""})
    for (const auto item : xml_elements(xml, name)) {
      // What is found lies within the answer.
      if (item.data() < xml.data() || item.data() + item.size() > xml.data() + xml.size()) abort();
      for (const std::string_view field : {"Key", "Size", "LastModified", "UploadId", "Code"})
        if (xml_text(item, field).size() > item.size()) abort();
    }
  return 0;
}
