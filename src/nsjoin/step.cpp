#include "nsjoin/step.hpp"

#include "nsjoin/namespace_table.hpp"

namespace nsenterd::nsjoin {
namespace {

const char* verb(Step step) {
  switch (step) {
    case Step::none: return "none";
    case Step::execute: return "execveat";
    case Step::prepare_fork_server: return "prepare fork server";
    case Step::fork: return "fork";
    case Step::place_descriptors: return "place descriptors";
    case Step::open_proc_self: return "open /proc/self";
    case Step::make_procfs: return "make procfs";
    case Step::make_sysfs: return "make sysfs";
    case Step::setns: return "setns";
    case Step::setgid: return "setresgid";
    case Step::setuid: return "setresuid";
    case Step::unshare: return "unshare";
    case Step::write_setgroups: return "write setgroups";
    case Step::write_gid_map: return "write gid_map";
    case Step::write_uid_map: return "write uid_map";
    case Step::make_mounts_slave: return "make mounts slave";
    case Step::enter_root: return "chroot";
    case Step::enter_working_directory: return "fchdir";
    case Step::fork_into_created: return "fork into created namespaces";
    case Step::change_directory: return "chdir";
    case Step::set_undumpable: return "prctl PR_SET_DUMPABLE";
    case Step::set_parent_death_signal: return "prctl PR_SET_PDEATHSIG";
  }
  return "unknown step";
}

}  // namespace

std::string step_name(const StepFailure& failure) {
  std::string name = verb(failure.step);
  if (failure.namespaces != 0) name += ' ' + namespace_names(failure.namespaces);
  return name;
}

std::string namespace_names(std::uint32_t bits) {
  std::string names;
  for (const auto& entry : kNamespaceTable) {
    if ((bits & entry.flag) == 0) continue;
    if (!names.empty()) names += ',';
    names += entry.name;
  }
  return names;
}

}  // namespace nsenterd::nsjoin
