// Payloads as fields. A payload type says once, in its describe(), which fields it has; a Decoder reads them from a JSON
// value of anybody's, a TextWriter (wire/text_writer.hpp) writes them as text, and a TextReader (wire/text_reader.hpp)
// reads that text again, so the three cannot differ. (Both sides.)
#pragma once

#include <array>
#include <charconv>
#include <climits>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "wire/json.hpp"

namespace nsenterd::wire {

/// What a describe() takes as its payload: T to read into, const T to write from.
template <class Payload, class T>
concept Describes = std::same_as<std::remove_const_t<Payload>, T>;

/// Reads the fields of one JSON object. The first field that is missing or wrong is remembered and what
/// follows is not read. A field's name is written as a path: "Fsys.Dev", "[2].target".
class Decoder {
 public:
  /// `bad_field` outlives the decoder and those made from it.
  Decoder(const Json& value, std::optional<std::string>& bad_field) : value_(value), bad_field_(bad_field) {}

  /// The value as a whole is of the wrong type or out of range.
  void refuse();
  void refuse(std::string_view name);
  [[nodiscard]] bool failed() const { return bad_field_.has_value(); }
  [[nodiscard]] const Json& value() const { return value_; }

  /// A string without NUL, shorter than `limit` bytes.
  void text(const char* name, std::string& out, std::size_t limit = std::string::npos);
  /// A string without NUL, shorter than PATH_MAX.
  void path(const char* name, std::string& out) { text(name, out, PATH_MAX); }
  /// base64; null means none.
  void bytes(const char* name, std::string& out);
  void boolean(const char* name, bool& out);
  /// As boolean, but false if absent.
  void optional_boolean(const char* name, bool& out);
  /// One of two words: false for the first, true for the second.
  void word(const char* name, bool& out, const char* first, const char* second);

  /// An exact integer between `low` and `high`.
  template <std::integral T>
  void integer(const char* name, T& out, T low = std::numeric_limits<T>::min(),
               T high = std::numeric_limits<T>::max()) {
    const Json* field = member(name);
    if (field == nullptr) return;
    if (!parse(*field, out) || out < low || out > high) refuse(name);
  }

  /// As integer, but left alone if absent or null.
  template <std::integral T>
  void optional_integer(const char* name, std::optional<T>& out, T low = std::numeric_limits<T>::min(),
                        T high = std::numeric_limits<T>::max()) {
    if (has(name)) integer(name, out.emplace(), low, high);
  }

  /// A decimal number in a string, without sign or leading blanks unless T is signed and it is negative.
  template <std::integral T>
  void decimal(const char* name, T& out, T low = std::numeric_limits<T>::min(),
               T high = std::numeric_limits<T>::max()) {
    const Json* field = member(name);
    if (field == nullptr) return;
    const auto* text = field->get_ptr<const std::string*>();
    if (text == nullptr) return refuse(name);
    const char* const end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, out);
    // "-0" is no way to write a number.
    const bool negative_zero = out == 0 && text->starts_with('-');
    if (error != std::errc() || stop != end || negative_zero || out < low || out > high) refuse(name);
  }

  /// A field that means nothing, but that the vocabulary has; any value will do.
  void padding(const char* name, const char* /*value*/) { member(name); }

  /// A list of paths, or of exact integers; null is an empty one.
  template <class T>
  void list(const char* name, std::vector<T>& out) {
    const Json* field = member(name);
    if (field == nullptr || field->is_null()) return;
    if (!field->is_array()) return refuse(name);
    out.resize(field->size());
    elements(name, *field, out);
  }

  /// A list of exactly that many integers.
  template <std::integral T, std::size_t Size>
  void array(const char* name, std::array<T, Size>& out) {
    const Json* field = member(name);
    if (field == nullptr) return;
    if (!field->is_array() || field->size() != Size) return refuse(name);
    elements(name, *field, out);
  }

  template <class T>
  void object(const char* name, T& out) {
    const Json* field = member(name);
    if (field == nullptr) return;
    Decoder inner(*field, bad_field_, this, name);
    inner.read(out);
  }

  /// As object, but left alone if absent or null.
  template <class T>
  void optional_object(const char* name, std::optional<T>& out) {
    if (has(name)) object(name, out.emplace());
  }

  // The value itself:

  void null();
  /// A string without NUL.
  void string(std::string& out);
  /// base64; null means none.
  void base64(std::string& out);

  /// An object described by describe(fields, out).
  template <class T>
  void read(T& out) {
    if (!value_.is_object()) return refuse();
    describe(*this, out);
  }

  /// A list; null is an empty one.
  template <class T>
  void read(std::vector<T>& out) {
    if (value_.is_null()) return;
    if (!value_.is_array()) return refuse();
    out.resize(value_.size());
    for (std::size_t i = 0; i < out.size() && !failed(); ++i) {
      Decoder element(value_[i], bad_field_, this, {}, i);
      element.read(out[i]);
    }
  }

 private:
  Decoder(const Json& value, std::optional<std::string>& bad_field, const Decoder* parent,
          std::string_view name, std::size_t index = 0)
      : value_(value), bad_field_(bad_field), parent_(parent), name_(name), index_(index) {}

  /// Whether there is such a member that is not null. False also after an earlier failure.
  [[nodiscard]] bool has(const char* name) const;
  /// The member; if it is missing, refuses it and returns null. Null also after an earlier failure.
  const Json* member(const char* name);
  [[nodiscard]] std::string where() const;

  template <class List>
  void elements(const char* name, const Json& from, List& out) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (!parse(from[i], out[i])) return refuse(std::string(name) + "[" + std::to_string(i) + "]");
    }
  }

  // Each says whether the value is one of that type.
  static bool parse(const Json& field, std::string& out, std::size_t limit = PATH_MAX);
  static bool parse_bytes(const Json& field, std::string& out);
  template <std::integral T>
  static bool parse(const Json& field, T& out) {
    if (const auto* positive = field.get_ptr<const Json::number_unsigned_t*>()) {
      if (!std::in_range<T>(*positive)) return false;
      out = static_cast<T>(*positive);
      return true;
    }
    const auto* number = field.get_ptr<const Json::number_integer_t*>();
    if (number == nullptr || !std::in_range<T>(*number)) return false;
    out = static_cast<T>(*number);
    return true;
  }

  const Json& value_;
  std::optional<std::string>& bad_field_;
  const Decoder* parent_ = nullptr;
  std::string_view name_;
  std::size_t index_ = 0;
};

}  // namespace nsenterd::wire
