#include "cli/file_request.hpp"

namespace nsenterd::cli {

wire::Json file_payload(const Options& options, const char* path_field) {
  wire::Json payload = wire::Json::object();
  payload[path_field] = options.path;
  payload["MountProcfs"] = options.private_proc;
  payload["MountSysfs"] = options.private_sys;
  return payload;
}

}  // namespace nsenterd::cli
