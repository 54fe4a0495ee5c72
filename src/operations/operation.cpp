#include "operations/operation.hpp"

#include <stdexcept>

namespace nsenterd::operations {

void throw_exception_from_error(const InvalidPayload& error, const boost::source_location& /*where*/) {
  throw std::runtime_error("invalid payload: " + error.field);
}

bool is_error_response(std::string_view payload) {
  return is_payload<ErrorResponse>(payload);
}

}  // namespace nsenterd::operations
