#include "operations/error_response.hpp"

#include <cerrno>
#include <stdexcept>

#include "base/errno_name.hpp"

namespace nsenterd::operations {

void throw_exception_from_error(const ErrorResponse& error, const boost::source_location& /*where*/) {
  throw std::runtime_error(error.message);
}

ErrorResponse path_error(std::string_view operation, std::string_view path, int error) {
  std::string message(operation);
  message.append(" ").append(path).append(": ").append(base::errno_text(error));
  return {"*fs.PathError", error, std::move(message)};
}

ErrorResponse path_error(std::string_view operation, std::string_view path) {
  return path_error(operation, path, errno);
}

ErrorResponse system_call_error(std::string_view call) {
  const int error = errno;
  return {"*os.SyscallError", error, std::string(call).append(": ").append(base::errno_text(error))};
}

ErrorResponse plain_error(int error, std::string_view text) {
  return {"*errors.errorString", error, std::string(text)};
}

}  // namespace nsenterd::operations
