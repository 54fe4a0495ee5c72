// Writes the metrics to a file at intervals, for node_exporter's textfile collector (daemon).
#pragma once

#include <functional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/result.hpp"
#include "daemon/log.hpp"
#include "daemon/metrics_file_options.hpp"

namespace nsenterd::daemon {

class MetricsFile {
 public:
  /// Writes it for the first time at once. The log and what `text` refers to outlive it.
  MetricsFile(const boost::asio::any_io_executor& executor, MetricsFileOptions options,
              std::function<std::string()> text, Log& log);
  MetricsFile(const MetricsFile&) = delete;
  MetricsFile& operator=(const MetricsFile&) = delete;
  /// Removes the file: what it says is true no more.
  ~MetricsFile();

 private:
  void update();
  base::Result<void> write();

  MetricsFileOptions options_;
  std::function<std::string()> text_;
  Log& log_;
  boost::asio::steady_timer timer_;
  bool written_ = false;
  bool failing_ = false;
};

}  // namespace nsenterd::daemon
