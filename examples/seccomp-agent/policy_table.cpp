#include "policy_table.hpp"

#include <charconv>

#include "policy.hpp"

namespace seccomp_agent {
namespace {

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  // As much as fits in milliseconds whatever the unit; what is sensible is the caller's to say.
  if (error != std::errc() || number < 0 || number > 1'000'000'000) return std::nullopt;
  if (unit == "ms") return std::chrono::milliseconds(number);
  if (unit == "s") return std::chrono::seconds(number);
  return std::nullopt;
}

}  // namespace

const toml::node* PolicyTable::find(const std::string& key) {
  known_.insert(key);
  return table_.get(key);
}

std::string PolicyTable::path_of(const std::string& key) const {
  if (name_.empty() || key.empty()) return name_ + key;
  return name_ + "." + key;
}

void PolicyTable::fail(const std::string& key, const std::string& problem) const {
  const toml::node* node = key.empty() ? nullptr : table_.get(key);
  const auto line = (node != nullptr ? node->source() : table_.source()).begin.line;
  throw PolicyError(file_ + ":" + std::to_string(line) + ": " + path_of(key) + ": " + problem);
}

std::optional<std::string> PolicyTable::string(const std::string& key) {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  if (!node->is_string()) fail(key, "is not a string");
  return node->as_string()->get();
}

std::optional<bool> PolicyTable::boolean(const std::string& key) {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  if (!node->is_boolean()) fail(key, "is neither true nor false");
  return node->as_boolean()->get();
}

std::optional<std::int64_t> PolicyTable::integer(const std::string& key, std::int64_t least,
                                                 std::int64_t most) {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  if (!node->is_integer()) fail(key, "is not an integer");
  const std::int64_t value = node->as_integer()->get();
  if (value < least || value > most) {
    fail(key, "is not from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return value;
}

std::optional<std::vector<std::string>> PolicyTable::strings(const std::string& key) {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  if (!node->is_array()) fail(key, "is not a list of strings");
  std::vector<std::string> values;
  for (const toml::node& value : *node->as_array()) {
    if (!value.is_string()) fail(key, "is not a list of strings");
    values.push_back(value.as_string()->get());
  }
  return values;
}

std::optional<std::chrono::milliseconds> PolicyTable::duration(const std::string& key,
                                                               std::chrono::milliseconds most) {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  std::optional<std::chrono::milliseconds> value;
  if (node->is_integer()) value = std::chrono::milliseconds(node->as_integer()->get());
  if (node->is_string()) value = parse_duration(node->as_string()->get());
  if (!value) fail(key, "is no time such as \"500ms\" or \"2s\"");
  if (value->count() < 1 || *value > most)
    fail(key, "is not from 1 to " + std::to_string(most.count()) + " ms");
  return value;
}

PolicyTable PolicyTable::make_table(const std::string& key, const toml::node& node) const {
  if (!node.is_table()) fail(key, "is not a table");
  return {*node.as_table(), file_, path_of(key)};
}

void PolicyTable::table(const std::string& key, const std::function<void(PolicyTable)>& read) {
  if (const toml::node* node = find(key)) read(make_table(key, *node));
}

void PolicyTable::tables(const std::function<void(const std::string&, PolicyTable)>& read) {
  for (const auto& [key, node] : table_) {
    const std::string name(key.str());
    known_.insert(name);
    read(name, make_table(name, node));
  }
}

void PolicyTable::finish() const {
  for (const auto& [key, node] : table_) {
    if (!known_.contains(key.str())) fail(std::string(key.str()), "is unknown");
  }
}

}  // namespace seccomp_agent
