// The little XML that S3 answers: flat elements with text.
// Source: Amazon S3 API reference, ListObjectsV2, ListMultipartUploads, CreateMultipartUpload, Error Responses.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth::store {

/// The inner texts of all elements of that name, in order, as they stand; elements of one name do not nest in S3.
std::vector<std::string_view> xml_elements(std::string_view xml, std::string_view name);
/// The text of the first element of that name, entities replaced; empty when there is none.
std::string xml_text(std::string_view xml, std::string_view name);

}  // namespace hearth::store
