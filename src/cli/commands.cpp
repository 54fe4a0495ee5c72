#include "cli/commands.hpp"

namespace nsenterd::cli {

void declare_commands(Syntax& program) {
  declare_file_commands(program);
  declare_status_commands(program);
  declare_mount_commands(program);
  declare_ownership_commands(program);
  declare_xattr_commands(program);
  declare_open_command(program);
  declare_request_command(program);
  declare_event_commands(program);
  declare_statistics_command(program);
  declare_top_command(program);
  declare_metrics_command(program);
  declare_info_command(program);
}

}  // namespace nsenterd::cli
