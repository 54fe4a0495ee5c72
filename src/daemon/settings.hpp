// The keys of the configuration file: what each takes, where it goes, and whether it can change while the daemon runs (daemon).
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include <toml++/toml.h>

#include "daemon/configuration.hpp"

namespace nsenterd::daemon {

struct Setting {
  /// What is wrong with a value, or with an entry of one: where, which key, and what is wanted.
  using Complain =
      std::function<void(const toml::node& where, const std::string& key, const std::string& what)>;

  /// The table and the key: "limits.events".
  std::string name;
  /// Whether a daemon that runs already can take another value.
  bool applicable;
  /// Takes a value over, or complains.
  std::function<void(Configuration&, const toml::node&, const Complain&)> read;
  std::function<bool(const Configuration&, const Configuration&)> is_equal;
};

std::span<const Setting> settings();

}  // namespace nsenterd::daemon
