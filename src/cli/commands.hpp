// The commands (nsenterctl). Each declares in its own file what it takes, and what it does.
#pragma once

#include "cli/syntax.hpp"

namespace nsenterd::cli {

/// All of them, in the order of the help text.
void declare_commands(Syntax& program);

/// file_commands.cpp: read and write, the contents of a file.
void declare_file_commands(Syntax& program);
/// status_commands.cpp: stat, ls and readlink, what the container says about files.
void declare_status_commands(Syntax& program);
/// mount_commands.cpp: mount, umount and mounts.
void declare_mount_commands(Syntax& program);
/// ownership_commands.cpp: chown and id.
void declare_ownership_commands(Syntax& program);
/// xattr_commands.cpp: xattr get, set, list and remove.
void declare_xattr_commands(Syntax& program);
/// open_command.cpp
void declare_open_command(Syntax& program);
/// request_command.cpp: the user's own message.
void declare_request_command(Syntax& program);
/// event_commands.cpp: events and terminate.
void declare_event_commands(Syntax& program);
/// statistics_command.cpp: status.
void declare_statistics_command(Syntax& program);
/// top_command.cpp
void declare_top_command(Syntax& program);
/// metrics_command.cpp
void declare_metrics_command(Syntax& program);
/// info_command.cpp
void declare_info_command(Syntax& program);

}  // namespace nsenterd::cli
