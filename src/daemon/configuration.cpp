#include "daemon/configuration.hpp"

#include <algorithm>
#include <cerrno>
#include <map>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nsenterd/unique_fd.hpp>

#include "base/errno_name.hpp"
#include "daemon/settings.hpp"

namespace nsenterd::daemon {
namespace {

constexpr std::size_t kLargestFile = 1U << 20U;

/// The text of the file; otherwise what is wrong with it.
boost::system::result<std::string, ConfigurationErrors> read_text(const std::filesystem::path& file) {
  const auto wrong = [&file](const std::string& what) {
    return ConfigurationErrors{{file.native() + ": " + what}};
  };
  // Should it be a FIFO, nobody waits for its other end.
  const UniqueFd descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!descriptor || ::fstat(descriptor.get(), &status) != 0) return wrong(base::errno_text(errno));
  if (!S_ISREG(status.st_mode)) return wrong("is no regular file");
  if ((status.st_uid != 0 && status.st_uid != ::geteuid()) || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return wrong("may be written by others than root");
  }
  std::string text(kLargestFile + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(descriptor.get(), text.data() + size, text.size() - size);
    if (got < 0) return wrong(base::errno_text(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > kLargestFile) return wrong("is too large");
  text.resize(size);
  return text;
}

class Reader {
 public:
  explicit Reader(const std::filesystem::path& file) : file_(file.native()) {}

  void read(const toml::table& root) {
    for (const auto& [section, node] : root) {
      const std::string name(section.str());
      if (!is_section(name)) {
        complain(section.source(), name, "is no table that there is");
      } else if (const toml::table* const table = node.as_table(); table == nullptr) {
        complain(node.source(), name, "is to be a table");
      } else {
        read_section(name, *table);
      }
    }
    if (errors_.empty()) check_together(root);
  }

  void complain(const toml::source_region& where, const std::string& key, std::string_view what) {
    std::string line = file_ + ':' + std::to_string(where.begin.line) + ": ";
    if (!key.empty()) line.append(key).append(": ");
    errors_.emplace(where.begin.line, line.append(what));
  }

  [[nodiscard]] boost::system::result<Configuration, ConfigurationErrors> result() const {
    if (errors_.empty()) return configuration_;
    ConfigurationErrors errors;
    for (const auto& [number, line] : errors_) errors.lines.push_back(line);
    return errors;
  }

 private:
  static bool is_section(const std::string& name) {
    const auto all = settings();
    return std::any_of(all.begin(), all.end(),
                       [&](const Setting& setting) { return setting.name.starts_with(name + '.'); });
  }

  void read_section(const std::string& section, const toml::table& table) {
    for (const auto& [key, node] : table) {
      const std::string name = section + '.' + std::string(key.str());
      const auto all = settings();
      const auto found =
          std::find_if(all.begin(), all.end(), [&](const Setting& setting) { return setting.name == name; });
      if (found == all.end()) {
        complain(key.source(), name, "is no key that there is");
        continue;
      }
      found->read(configuration_, node,
                  [this](const toml::node& where, const std::string& entry, const std::string& what) {
                    complain(where.source(), entry, what);
                  });
    }
  }

  void check_together(const toml::table& root) {
    if (configuration_.events.default_timeout <= configuration_.events.maximum_timeout) return;
    const toml::table& deadlines = *root.get_as<toml::table>("deadlines");
    const toml::node* const given = deadlines.get("default");
    complain((given != nullptr ? given : deadlines.get("maximum"))->source(), "deadlines.default",
             "is to be at most deadlines.maximum");
  }

  std::string file_;
  Configuration configuration_;
  // By line: the keys of a table are not in the order of the file.
  std::multimap<std::size_t, std::string> errors_;
};

}  // namespace

void throw_exception_from_error(const ConfigurationErrors& errors, const boost::source_location& /*where*/) {
  throw std::runtime_error(errors.lines.front());
}

boost::system::result<Configuration, ConfigurationErrors> load_configuration(
    const std::filesystem::path& file) {
  const auto text = read_text(file);
  if (!text) return text.error();
  Reader reader(file);
  try {
    reader.read(toml::parse(*text, file.native()));
  } catch (const toml::parse_error& error) {
    reader.complain(error.source(), {}, error.description());
  }
  return reader.result();
}

ConfigurationChanges changes_between(const Configuration& before, const Configuration& after) {
  ConfigurationChanges changes;
  for (const Setting& setting : settings()) {
    if (setting.is_equal(before, after)) continue;
    (setting.applicable ? changes.applicable : changes.at_restart).push_back(setting.name);
  }
  return changes;
}

}  // namespace nsenterd::daemon
