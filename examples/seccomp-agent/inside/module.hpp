// A module: one kind of system call, made inside a container on behalf of one of its threads. (Inside containers.)
//
// Everything of the container's may be hostile here: the thread's memory, the files, the directories. It may hang, too; the agent
// does not, and kills what takes too long.
#pragma once

#include <functional>

#include <nlohmann/json.hpp>

#include <nsenterd/module.hpp>

#include "memory.hpp"

namespace seccomp_agent::inside {

struct Outcome {
  /// The policy does not allow this.
  bool refused = false;
  nsenterd::UniqueFd file;
  bool close_on_exec = false;
};

/// Makes the call. A failure is thrown, as std::system_error, and becomes the thread's errno.
using Effect = std::function<Outcome()>;

/// Reads what the call's pointers lead to, and changes nothing. A failure as above.
using Prepare = Effect (*)(const Memory& memory, const nlohmann::json& argument, int procfs);

/// Runs a module. The order is always this: read the thread's memory, take on its rights, make sure that it still waits for this very
/// call, make the call.
nsenterd::ModuleData run_module(Prepare prepare, nsenterd::ModuleData data);

/// One a file.
Effect prepare_mkdir(const Memory& memory, const nlohmann::json& argument, int procfs);
Effect prepare_mount(const Memory& memory, const nlohmann::json& argument, int procfs);
Effect prepare_mknod(const Memory& memory, const nlohmann::json& argument, int procfs);
Effect prepare_open(const Memory& memory, const nlohmann::json& argument, int procfs);

/// Tells nsenterd of all of them.
void register_modules();

}  // namespace seccomp_agent::inside
