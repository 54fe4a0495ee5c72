// The part of Boost.JSON that is not in its headers, so that nobody needs its library.
#include <boost/json/src.hpp>
