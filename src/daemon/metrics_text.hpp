// Writes metrics as text: in the format of OpenMetrics 1.0, or in the older one of Prometheus (0.0.4), which is what node_exporter
// reads (daemon).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace nsenterd::daemon {

enum class MetricsFormat { open_metrics, prometheus };

class MetricsText {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  explicit MetricsText(MetricsFormat format) : format_(format) {}

  // Each begins a family; its samples follow. A unit, if there is one, is the end of the name. A counter's name is without the
  // "_total" that its samples have, an info's without "_info".
  void counter(std::string_view name, std::string_view help);
  void gauge(std::string_view name, std::string_view help, std::string_view unit = {});
  void histogram(std::string_view name, std::string_view help, std::string_view unit);
  void info(std::string_view name, std::string_view help);

  /// A sample of the family that was begun last, whose name is followed by `suffix`, such as "_total" or "_bucket".
  void sample(std::string_view suffix, const Labels& labels, std::uint64_t value);
  void sample(std::string_view suffix, const Labels& labels, double value);

  /// The whole text.
  std::string finish() &&;

 private:
  void family(std::string_view name, std::string_view suffix, std::string_view type, std::string_view help,
              std::string_view unit);
  void begin_sample(std::string_view suffix, const Labels& labels);

  MetricsFormat format_;
  std::string family_;
  std::string text_;
};

/// The shortest text that is read as the same number again.
std::string number_text(double value);

}  // namespace nsenterd::daemon
