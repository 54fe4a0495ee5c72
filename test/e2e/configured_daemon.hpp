// A daemon with a configuration file of the test's own, which can be changed.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

#include "support/daemon.hpp"

namespace nsenterd::test {

class ConfigurationFile {
 public:
  explicit ConfigurationFile(const std::string& content) {
    std::string pattern = "/tmp/nsenterd-test-XXXXXX";
    const int descriptor = ::mkstemp(pattern.data());
    if (descriptor < 0) throw std::runtime_error("mkstemp");
    ::close(descriptor);
    path_ = pattern;
    write(content);
  }
  ConfigurationFile(const ConfigurationFile&) = delete;
  ConfigurationFile& operator=(const ConfigurationFile&) = delete;
  ~ConfigurationFile() { std::filesystem::remove(path_); }

  void write(const std::string& content) const { std::ofstream(path_) << content; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class ConfiguredDaemon : private ConfigurationFile, public Daemon {
 public:
  explicit ConfiguredDaemon(const std::string& configuration, std::vector<std::string> options = {})
      : ConfigurationFile(configuration), Daemon(with_file(path().native(), std::move(options))) {}

  using ConfigurationFile::path;
  /// Changes the file, without telling the daemon.
  void configure(const std::string& configuration) const { write(configuration); }

 private:
  static std::vector<std::string> with_file(const std::string& path, std::vector<std::string> options) {
    options.insert(options.end(), {"--config", path});
    return options;
  }
};

}  // namespace nsenterd::test
