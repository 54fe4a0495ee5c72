#include "daemon/settings.hpp"

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/grants.hpp"
#include "daemon/units.hpp"

namespace nsenterd::daemon {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kKibi = 1024;
constexpr std::size_t kMebi = kKibi * kKibi;
constexpr milliseconds kHour = std::chrono::hours(1);
constexpr milliseconds kDay = std::chrono::hours(24);

struct Boolean {
  static std::string read(const toml::node& node, bool& out) {
    const auto value = node.value_exact<bool>();
    if (!value) return "is to be true or false";
    out = *value;
    return {};
  }
};

struct Integer {
  std::int64_t least;
  std::int64_t most;

  std::string read(const toml::node& node, std::size_t& out) const {
    const auto value = node.value_exact<std::int64_t>();
    if (!value || *value < least || *value > most) {
      return "is to be a whole number from " + std::to_string(least) + " to " + std::to_string(most);
    }
    out = static_cast<std::size_t>(*value);
    return {};
  }
};

struct Size {
  std::size_t least;
  std::size_t most;

  std::string read(const toml::node& node, std::size_t& out) const {
    const auto text = node.value_exact<std::string>();
    const auto value = text ? parse_size(*text) : std::nullopt;
    if (!value || *value < least || *value > most) {
      return "is to be a size such as \"16MiB\", from " + std::to_string(least) + " to " +
             std::to_string(most) + " bytes";
    }
    out = *value;
    return {};
  }
};

struct Duration {
  milliseconds least;
  milliseconds most;

  std::string read(const toml::node& node, milliseconds& out) const {
    const auto text = node.value_exact<std::string>();
    const auto value = text ? parse_duration(*text) : std::nullopt;
    if (!value || *value < least || *value > most) {
      return R"(is to be a duration such as "500ms", "10s" or "2m", from )" + std::to_string(least.count()) +
             " to " + std::to_string(most.count()) + " ms";
    }
    out = *value;
    return {};
  }
};

struct AbsolutePath {
  bool may_be_empty;

  std::string read(const toml::node& node, std::filesystem::path& out) const {
    const auto text = node.value_exact<std::string>();
    const bool is_path = text && text->starts_with('/') && text->find('\0') == std::string::npos;
    if (!is_path && !(may_be_empty && text && text->empty())) return "is to be an absolute path";
    out = *text;
    return {};
  }
};

template <class Value>
struct Choice {
  std::vector<std::pair<const char*, Value>> values;

  std::string read(const toml::node& node, Value& out) const {
    const auto text = node.value_exact<std::string>();
    std::string names;
    for (const auto& [name, value] : values) {
      if (text && *text == name) {
        out = value;
        return {};
      }
      names.append(names.empty() ? "\"" : ", \"").append(name).append("\"");
    }
    return "is to be one of " + names;
  }
};

enum class Apply { at_once, at_restart };

/// `access` leads to where the value is: in a Configuration that may be constant.
template <class Access, class Read>
Setting setting_read_by(const char* name, Apply apply, Access access, Read read) {
  return {name, apply == Apply::at_once, std::move(read),
          [access](const Configuration& one, const Configuration& other) {
            return access(one) == access(other);
          }};
}

template <class Access, class Type>
Setting setting(const char* name, Apply apply, Access access, Type type) {
  return setting_read_by(
      name, apply, access,
      [name, access, type](Configuration& out, const toml::node& node, const auto& complain) {
        const std::string wanted = type.read(node, access(out));
        if (!wanted.empty()) complain(node, name, wanted);
      });
}

/// A table whose keys are users or groups, by name or number.
template <class Access>
Setting grants(const char* name, Access access,
               std::string (*grant)(AccessRules&, const std::string&, const std::string&)) {
  return setting_read_by(
      name, Apply::at_once, access,
      [name, grant](Configuration& out, const toml::node& node, const Setting::Complain& complain) {
        const toml::table* const table = node.as_table();
        if (table == nullptr) return complain(node, name, "is to be a table");
        for (const auto& [key, value] : *table) {
          const toml::node& entry = value;
          const std::string id(key.str());
          const std::string wrong = grant(out.access, id, entry.value_exact<std::string>().value_or(""));
          if (!wrong.empty()) complain(entry, std::string(name) + '.' + id, wrong);
        }
      });
}

Choice<spdlog::level::level_enum> log_levels() {
  return {{{"trace", spdlog::level::trace},
           {"debug", spdlog::level::debug},
           {"info", spdlog::level::info},
           {"warn", spdlog::level::warn},
           {"error", spdlog::level::err},
           {"off", spdlog::level::off}}};
}

Choice<LogFormat> log_formats() {
  return {{{"auto", LogFormat::automatic},
           {"journal", LogFormat::journal},
           {"text", LogFormat::text},
           {"json", LogFormat::json}}};
}

// What leads to a member of the configuration. Behind a dot there can be no parentheses.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define NSENTERD_MEMBER(path)        \
  [](auto& configuration) -> auto& { \
    return configuration.path;       \
  }
// NOLINTEND(bugprone-macro-parentheses)

std::vector<Setting> connection_settings() {
  const Integer number{1, 1'000'000};
  return {
      setting("socket.path", Apply::at_restart, NSENTERD_MEMBER(socket), AbsolutePath{false}),
      setting("access.allow-host-targets", Apply::at_once, NSENTERD_MEMBER(access.allow_host_targets),
              Boolean{}),
      grants("access.users", NSENTERD_MEMBER(access.users), grant_user),
      grants("access.groups", NSENTERD_MEMBER(access.groups), grant_group),
      setting("limits.message-size", Apply::at_once, NSENTERD_MEMBER(connections.message),
              Size{4 * kKibi, 64 * kMebi}),
      setting("limits.message-depth", Apply::at_once, NSENTERD_MEMBER(connections.depth), Integer{8, 1024}),
      setting("limits.message-descriptors", Apply::at_once, NSENTERD_MEMBER(connections.descriptors),
              Integer{1, 16}),
      setting("limits.connections", Apply::at_once, NSENTERD_MEMBER(connections.connections), number),
      setting("limits.connections-of-user", Apply::at_once, NSENTERD_MEMBER(connections.connections_of_user),
              number),
      setting("limits.message-time", Apply::at_once, NSENTERD_MEMBER(connections.message_time),
              Duration{milliseconds(100), kHour}),
      setting("limits.reply-time", Apply::at_once, NSENTERD_MEMBER(connections.reply_time),
              Duration{milliseconds(100), kHour}),
      setting("limits.reply-size", Apply::at_once, NSENTERD_MEMBER(connections.output),
              Size{128 * kMebi, 4096 * kMebi}),
  };
}

std::vector<Setting> event_settings() {
  const Integer number{1, 1'000'000};
  const Duration timeout{milliseconds(1), kDay};
  return {
      setting("limits.events", Apply::at_once, NSENTERD_MEMBER(max_events), number),
      setting("limits.events-of-user", Apply::at_once, NSENTERD_MEMBER(events.events_of_user), number),
      setting("deadlines.default", Apply::at_once, NSENTERD_MEMBER(events.default_timeout), timeout),
      setting("deadlines.maximum", Apply::at_once, NSENTERD_MEMBER(events.maximum_timeout), timeout),
      setting("deadlines.drain", Apply::at_once, NSENTERD_MEMBER(drain_time),
              Duration{milliseconds(0), kHour}),
      setting("warm-agents.total", Apply::at_once, NSENTERD_MEMBER(warm_agents.agents), Integer{0, 100'000}),
      setting("warm-agents.of-target", Apply::at_once, NSENTERD_MEMBER(warm_agents.agents_of_target),
              Integer{1, 100'000}),
      setting("warm-agents.idle-time", Apply::at_once, NSENTERD_MEMBER(warm_agents.idle_time),
              Duration{milliseconds(0), kHour}),
      setting("warm-agents.age", Apply::at_once, NSENTERD_MEMBER(warm_agents.age),
              Duration{milliseconds(0), kDay}),
  };
}

std::vector<Setting> report_settings() {
  const Choice<AuditScope> audit{{{"denied", AuditScope::denied}, {"all", AuditScope::all}}};
  return {
      setting("logging.level", Apply::at_once, NSENTERD_MEMBER(logging.level), log_levels()),
      setting("logging.format", Apply::at_restart, NSENTERD_MEMBER(logging.format), log_formats()),
      setting("logging.audit", Apply::at_once, NSENTERD_MEMBER(logging.audit), audit),
      setting("logging.rate-limit", Apply::at_once, NSENTERD_MEMBER(logging.rate_limit),
              Integer{0, 1'000'000}),
      setting("logging.rate-interval", Apply::at_once, NSENTERD_MEMBER(logging.rate_interval),
              Duration{milliseconds(100), kHour}),
      setting("metrics.file", Apply::at_once, NSENTERD_MEMBER(metrics.path), AbsolutePath{true}),
      setting("metrics.interval", Apply::at_once, NSENTERD_MEMBER(metrics.interval),
              Duration{milliseconds(1), kHour}),
  };
}

#undef NSENTERD_MEMBER

}  // namespace

std::span<const Setting> settings() {
  static const std::vector<Setting> table = [] {
    std::vector<Setting> all = connection_settings();
    for (auto* const part : {&event_settings, &report_settings}) {
      for (Setting& setting : part()) all.push_back(std::move(setting));
    }
    return all;
  }();
  return table;
}

}  // namespace nsenterd::daemon
