// One table of the policy file: every key of it has to be asked for, and what is wrong is named. (Agent.)
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <toml++/toml.h>

namespace seccomp_agent {

class PolicyTable {
 public:
  /// `name` is how the table is called in the file, empty for the file itself.
  PolicyTable(const toml::table& table, std::string file, std::string name)
      : table_(table), file_(std::move(file)), name_(std::move(name)) {}

  /// A value of this type, or nothing if the key is not there. Of another type: throws PolicyError.
  std::optional<std::string> string(const std::string& key);
  std::optional<bool> boolean(const std::string& key);
  std::optional<std::int64_t> integer(const std::string& key, std::int64_t least, std::int64_t most);
  std::optional<std::vector<std::string>> strings(const std::string& key);
  /// Such as "500ms" or "2s", or a number of milliseconds.
  std::optional<std::chrono::milliseconds> duration(const std::string& key, std::chrono::milliseconds most);
  /// Calls the function with the table of that key, if there is one.
  void table(const std::string& key, const std::function<void(PolicyTable)>& read);
  /// The same with every key that is there and its table.
  void tables(const std::function<void(const std::string&, PolicyTable)>& read);

  /// Throws PolicyError if there is a key that nobody has asked for.
  void finish() const;
  /// Throws PolicyError about a key of this table, or about the table itself if the key is empty.
  [[noreturn]] void fail(const std::string& key, const std::string& problem) const;

 private:
  const toml::node* find(const std::string& key);
  [[nodiscard]] std::string path_of(const std::string& key) const;
  PolicyTable make_table(const std::string& key, const toml::node& node) const;

  const toml::table& table_;
  std::string file_;
  std::string name_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace seccomp_agent
