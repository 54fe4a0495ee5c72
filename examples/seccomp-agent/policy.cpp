#include "policy.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <set>

#include <seccomp.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "policy_table.hpp"

namespace seccomp_agent {
namespace {

constexpr std::chrono::seconds kMostTime(60);
constexpr int kMostErrno = 4095;

std::optional<int> errno_from(const std::string& name) {
  // Second names, which the C library does not tell.
  if (name == "ENOTSUP") return ENOTSUP;
  if (name == "EWOULDBLOCK") return EWOULDBLOCK;
  for (int number = 1; number <= kMostErrno; ++number) {
    const char* known = ::strerrorname_np(number);
    if (known != nullptr && name == known) return number;
  }
  return std::nullopt;
}

/// "answer" and "errno", which are the same wherever they may be said.
FixedAnswer read_answer(PolicyTable& table, FixedAnswer otherwise) {
  const auto answer = table.string("answer");
  const auto name = table.string("errno");
  if (answer == "continue") {
    if (name) table.fail("errno", "goes with the answer \"errno\" only");
    return Continue{};
  }
  if (answer && answer != "errno") table.fail("answer", "is neither \"errno\" nor \"continue\"");
  if (answer && !name) table.fail("answer", "needs an \"errno\"");
  if (!name) return otherwise;
  const auto number = errno_from(*name);
  if (!number) table.fail("errno", "\"" + *name + "\" is unknown");
  return Errno{*number};
}

MkdirRule read_mkdir(PolicyTable& table) {
  MkdirRule rule{table.string("suffix").value_or("")};
  if (rule.suffix.find_first_of(std::string("/\0", 2)) != std::string::npos) {
    table.fail("suffix", "has a slash or a zero byte in it");
  }
  return rule;
}

MountRule read_mount(PolicyTable& table) {
  // Filesystems that read no device and no file: a container could feed any other to the kernel's parser.
  const std::set<std::string> known{"proc", "sysfs", "tmpfs"};
  const auto types = table.strings("types");
  if (!types) table.fail("types", "is missing");
  for (const std::string& type : *types) {
    if (!known.contains(type)) table.fail("types", "\"" + type + "\" is none of proc, sysfs, tmpfs");
  }
  return {*types};
}

std::optional<Device> parse_device(std::string_view text) {
  const auto colon = text.find(':');
  if (text.size() < 2 || colon == std::string_view::npos) return std::nullopt;
  if ((text[0] != 'c' && text[0] != 'b') || text[1] != ' ') return std::nullopt;
  const auto number = [](std::string_view digits) -> std::optional<unsigned> {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return value;
  };
  const auto major = number(text.substr(2, colon - 2));
  const auto minor = number(text.substr(colon + 1));
  // What mknod(2) takes on Linux: 12 and 20 bits.
  if (!major || !minor || *major >= 1U << 12 || *minor >= 1U << 20) return std::nullopt;
  return Device{static_cast<mode_t>(text[0] == 'c' ? S_IFCHR : S_IFBLK), ::gnu_dev_makedev(*major, *minor)};
}

MknodRule read_mknod(PolicyTable& table) {
  MknodRule rule;
  for (const std::string& text : table.strings("devices").value_or(std::vector<std::string>())) {
    const auto device = parse_device(text);
    if (!device) table.fail("devices", "\"" + text + "\" is no device such as \"c 1:3\"");
    rule.devices.push_back(*device);
  }
  return rule;
}

OpenRule read_open(PolicyTable& table) {
  auto directories = table.strings("directories");
  if (!directories) table.fail("directories", "is missing");
  for (std::string& directory : *directories) {
    const std::filesystem::path path(directory);
    if (!path.is_absolute() || path.lexically_normal() != path) {
      table.fail("directories", "\"" + directory + "\" is no plain absolute path");
    }
    while (directory.ends_with('/')) directory.pop_back();
  }
  return {*directories};
}

bool is_one_of(const std::string& name, std::initializer_list<const char*> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void read_handler(PolicyTable& table, const std::string& system_call, Rule& rule) {
  const auto handler = table.string("handler");
  if (!handler) table.fail("handler", "is missing");
  const auto only_for = [&](std::initializer_list<const char*> names) {
    if (!is_one_of(system_call, names))
      table.fail("handler", "\"" + *handler + "\" is not for " + system_call);
  };
  if (*handler == "errno" || *handler == "continue") {
    if (*handler == "errno" && !table.string("errno")) table.fail("errno", "is missing");
    rule.handler = FixedRule{*handler == "errno" ? rule.refusal : Continue{}};
  } else if (*handler == "mkdir") {
    only_for({"mkdir", "mkdirat"});
    rule.handler = read_mkdir(table);
  } else if (*handler == "mount") {
    only_for({"mount"});
    rule.handler = read_mount(table);
  } else if (*handler == "mknod") {
    only_for({"mknod", "mknodat"});
    rule.handler = read_mknod(table);
  } else if (*handler == "open") {
    only_for({"open", "openat", "openat2"});
    rule.handler = read_open(table);
  } else {
    table.fail("handler", "\"" + *handler + "\" is none of errno, continue, mkdir, mount, mknod, open");
  }
}

Rule read_rule(const std::string& system_call, PolicyTable table) {
  if (::seccomp_syscall_resolve_name(system_call.c_str()) == __NR_SCMP_ERROR) {
    table.fail("", "there is no such system call");
  }
  Rule rule;
  rule.refusal = read_answer(table, rule.refusal);
  rule.timeout = table.duration("timeout", kMostTime).value_or(rule.timeout);
  rule.log = table.boolean("log").value_or(rule.log);
  read_handler(table, system_call, rule);
  table.finish();
  return rule;
}

Rules read_rules(PolicyTable& parent) {
  Rules rules;
  parent.table("syscalls", [&](PolicyTable table) {
    table.tables(
        [&](const std::string& name, PolicyTable rule) { rules[name] = read_rule(name, std::move(rule)); });
  });
  return rules;
}

Limits read_limits(PolicyTable& table) {
  Limits limits;
  const auto read = [&](const char* key, std::size_t& value) {
    if (const auto number = table.integer(key, 1, 1 << 16)) value = static_cast<std::size_t>(*number);
  };
  read("calls", limits.calls);
  read("containers", limits.containers);
  table.finish();
  return limits;
}

Policy read_all(PolicyTable file) {
  Policy policy;
  file.table("default", [&](PolicyTable table) {
    policy.default_answer = read_answer(table, policy.default_answer);
    table.finish();
  });
  file.table("limits", [&](PolicyTable table) { policy.limits = read_limits(table); });
  policy.rules = read_rules(file);
  file.table("profiles", [&](PolicyTable profiles) {
    profiles.tables([&](const std::string& name, PolicyTable profile) {
      policy.profiles[name] = read_rules(profile);
      profile.finish();
    });
  });
  file.finish();
  return policy;
}

}  // namespace

Policy read_policy(const std::filesystem::path& file) {
  try {
    const toml::table table = toml::parse_file(file.native());
    return read_all(PolicyTable(table, file.native(), ""));
  } catch (const toml::parse_error& error) {
    throw PolicyError(file.native() + ":" + std::to_string(error.source().begin.line) + ": " +
                      std::string(error.description()));
  }
}

}  // namespace seccomp_agent
