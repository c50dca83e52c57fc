# Arrow C++ and Parquet from the pyarrow wheel, which ships headers and versioned libraries but no CMake package.
# Only the room datasets/ links them (design, section 3).
set(arrow_folder ${HEARTH_DEPS}/python/lib/python3.11/site-packages/pyarrow)
foreach(library arrow parquet)
  file(GLOB found ${arrow_folder}/lib${library}.so.*)
  if(NOT found)
    message(FATAL_ERROR "Arrow C++ is not in ${arrow_folder}: run scripts/setup build")
  endif()
  add_library(${library} SHARED IMPORTED GLOBAL)
  set_target_properties(${library} PROPERTIES IMPORTED_LOCATION ${found}
                        INTERFACE_INCLUDE_DIRECTORIES ${arrow_folder}/include)
endforeach()
