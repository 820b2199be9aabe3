//! Names of the grammar's rules, for messages.

use crate::grammar::Rule;

/// Name that people give to what a rule reads. Exhaustive: a new rule does not compile until it has a name here.
pub(crate) fn words(rule: Rule) -> &'static str {
    match rule {
        Rule::EOI => "the end",
        Rule::s | Rule::gap | Rule::entry_gap | Rule::turn | Rule::turn_to | Rule::free_line | Rule::quiet_turn => {
            "a blank"
        }
        Rule::nl | Rule::item_end | Rule::junk => "the end of the line",
        Rule::entry_end => "the end of the entry",
        Rule::eow => "the end of the word",
        Rule::word => "a letter",
        Rule::doc | Rule::comment | Rule::remark => "a comment",
        Rule::comma => "`,`",
        Rule::name | Rule::names | Rule::option | Rule::decided_field => "a name",
        Rule::path => "a field",
        Rule::name_tuple | Rule::decided => "names in brackets",
        Rule::text | Rule::texts | Rule::plain_text | Rule::template | Rule::chunk | Rule::times | Rule::formats => {
            "a text in quotes"
        }
        Rule::text_tuple => "texts in brackets",
        Rule::option_tuple => "options in brackets",
        Rule::hole | Rule::open | Rule::settings | Rule::object_block => "`{`",
        Rule::number | Rule::quantity => "a number",
        Rule::unit => "a unit",
        Rule::expression
        | Rule::operation
        | Rule::operands
        | Rule::operand
        | Rule::keyworded
        | Rule::plain_operand
        | Rule::parentheses
        | Rule::list
        | Rule::argument => "a value",
        Rule::otherwise | Rule::picklist_otherwise => "`otherwise`",
        Rule::pipe | Rule::piped => "`|`",
        Rule::operator | Rule::operated | Rule::further_line => "an operator",
        Rule::negation => "`not`",
        Rule::condition => "`if`",
        Rule::existing => "`existing`",
        Rule::member => "`.`",
        Rule::arguments => "`(`",
        Rule::argument_name | Rule::record_field => "a name and `:`",
        Rule::record => "a record",
        Rule::r#type
        | Rule::reference_type
        | Rule::referred
        | Rule::many_type
        | Rule::list_type
        | Rule::select_type
        | Rule::select_word => "a type",
        Rule::reference_by => "`by`",
        Rule::by_row => "a text and `=`",
        Rule::through => "`through`",
        Rule::options => "options in braces",
        Rule::per_field => "`per`",
        Rule::field | Rule::composite_entry | Rule::strict_composite_entry => "a name, `:` and a type",
        Rule::attribute
        | Rule::argument_attribute
        | Rule::text_attribute
        | Rule::format_attribute
        | Rule::column_attribute
        | Rule::blank_attribute
        | Rule::form_attribute
        | Rule::default_attribute
        | Rule::quantity_attribute
        | Rule::ignore_attribute
        | Rule::since_attribute
        | Rule::among_attribute
        | Rule::create_attribute
        | Rule::linked_attribute
        | Rule::clock_attribute
        | Rule::argument_word => "an attribute",
        Rule::section | Rule::item | Rule::strict_item => "an item",
        Rule::extend => "`extend`",
        Rule::use_item => "`use`",
        Rule::skip_item => "`skip`",
        Rule::drop_item | Rule::drop_entry => "`drop`",
        Rule::dropped_object | Rule::object => "`object`",
        Rule::dropped_file => "`file`",
        Rule::link => "`link`",
        Rule::link_end => "an object and its column",
        Rule::reference_item => "`reference`",
        Rule::transform => "`transform`",
        Rule::close | Rule::last_brace | Rule::missing_brace | Rule::inner_close | Rule::missing_inner_brace => "`}`",
        Rule::overriding => "`override`",
        Rule::on | Rule::allowed_on | Rule::on_case => "`on`",
        Rule::migration => "`migration`",
        Rule::migration_entry | Rule::strict_migration_entry => "an entry of `migration`",
        Rule::setting | Rule::strict_setting => "a setting",
        Rule::source => "`source`",
        Rule::destination => "`destination`",
        Rule::alias | Rule::file_name => "`as`",
        Rule::require => "`require`",
        Rule::permit | Rule::permit_workflow | Rule::permit_webhook | Rule::permit_irreversible => "`permit`",
        Rule::allow => "`allow`",
        Rule::deny => "`deny`",
        Rule::computed => "`=`",
        Rule::pivot => "`pivot`",
        Rule::formerly => "`formerly`",
        Rule::each => "`each`",
        Rule::layout => "`layout`",
        Rule::written_as => "`format`",
        Rule::layout_entry | Rule::layout_setting | Rule::strict_layout_entry => "an entry of `layout`",
        Rule::place_in_file | Rule::place_word => "`sheet`, `table` or `at`",
        Rule::case_word => "`missing`, `empty`, `taken` or `outside`",
        Rule::owners => "`owners`",
        Rule::owners_entry | Rule::strict_owners_entry | Rule::owner_override => "an entry of `owners`",
        Rule::owner_match | Rule::match_entry => "`match`",
        Rule::owner_fallback => "`fallback`",
        Rule::none_word | Rule::fields_none => "`none`",
        Rule::picklist => "`picklist`",
        Rule::picklist_fields => "an object and its field",
        Rule::ignored => "`ignore`",
        Rule::picklist_entry | Rule::strict_picklist_entry => "a row or `otherwise`",
        Rule::picklist_row => "a row",
        Rule::picklist_key => "a key",
        Rule::picklist_target => "an option",
        Rule::new_word | Rule::new_object | Rule::new_mapping | Rule::new_field | Rule::new_option => "`new`",
        Rule::map => "`map`",
        Rule::map_source => "a source object",
        Rule::distinct | Rule::labels_distinct => "`distinct`",
        Rule::when => "`when`",
        Rule::map_entry | Rule::strict_map_entry => "an entry of `map`",
        Rule::mapping | Rule::tuple_mapping | Rule::mapped => "a mapping",
        Rule::inverse => "`inverse`",
        Rule::marked => "`sensitive`",
        Rule::any_match => "`or`",
        Rule::all_match => "`and`",
        Rule::same_entry => "`same`",
        Rule::test => "`test`",
        Rule::test_entry | Rule::strict_test_entry => "`given` or `expect`",
        Rule::given => "`given`",
        Rule::expect | Rule::set_aside => "`expect`",
        Rule::outcome => "`quarantined` or `skipped`",
        Rule::system | Rule::system_head => "`system`",
        Rule::system_entry
        | Rule::system_body
        | Rule::system_tail
        | Rule::strict_system_entry
        | Rule::system_entry_ahead => "an entry of `system`",
        Rule::timezone => "`timezone`",
        Rule::blank => "`blank`",
        Rule::never => "`never`",
        Rule::connector => "`connector`",
        Rule::limits => "`limits`",
        Rule::limits_entry | Rule::limit | Rule::strict_limits_entry => "a limit",
        Rule::names_entry => "`names`",
        Rule::names_of_fields => "`fields`",
        Rule::labels_entry | Rule::option_labels => "`labels`",
        Rule::options_entry => "`options`",
        Rule::option_colors => "`colors`",
        Rule::loses | Rule::lost_of_new => "`loses`",
        Rule::lost_unless => "`unless`",
        Rule::undocumented => "`undocumented`",
        Rule::junctions => "`junctions`",
        Rule::calls => "`calls`",
        Rule::versions => "`versions`",
        Rule::rollback_of | Rule::rollback => "`rollback`",
        Rule::schema_of => "`schema`",
        Rule::undone | Rule::undone_class => "`exact`, `best effort` or `irreversible`",
        Rule::names_max | Rule::allowed_max => "`max`",
        Rule::names_reserved => "`reserved`",
        Rule::composite => "`composite`",
        Rule::optional => "`optional`",
        Rule::from => "`from`",
        Rule::restricted => "`restricted`",
        Rule::matched_only => "`matched only`",
        Rule::object_entry | Rule::strict_object_entry => "an entry of `object`",
        Rule::key => "`key`",
        Rule::check => "`check`",
        Rule::retain => "`retain`",
        Rule::bad_entry
        | Rule::bad_turn
        | Rule::bad_item
        | Rule::bad_line
        | Rule::skipped
        | Rule::opaque_text
        | Rule::opaque_hole
        | Rule::inner_text
        | Rule::skipped_block
        | Rule::block_start
        | Rule::skipped_brackets
        | Rule::bracketed => "something that cannot be read",
    }
}
