# signerd_folder(NAME SOURCES… [LINKS…]): the static library of one folder.
#
# Its headers stand in build/include/NAME/NAME (a link to the folder), and only targets that link
# it get that directory on their include path: an include that DESIGN does not allow does not compile.
function(signerd_folder name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  set(include_dir ${CMAKE_BINARY_DIR}/include/${name})
  file(MAKE_DIRECTORY ${include_dir})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${include_dir}/${name} SYMBOLIC)
  add_library(signerd_${name} STATIC ${ARG_SOURCES})
  target_include_directories(signerd_${name} PUBLIC ${include_dir})
  target_link_libraries(signerd_${name} PUBLIC ${ARG_LINKS})
endfunction()
